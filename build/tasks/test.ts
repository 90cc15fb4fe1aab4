/** `npm test`: lint, types, then the unit, conformance and end-to-end suites; the last line counts them all. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testingNeeds } from '../../shared/host/packages.ts';
import { bundle } from '../lib/bundle.ts';
import { root } from '../lib/root.ts';
import { runTool } from '../lib/run.ts';
import { ensureSystemPackages } from '../lib/system-packages.ts';

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** The part of Vitest's JSON report that is read here (Jest's format). */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
}

const artifacts = join(root, 'test', '.artifacts');
const started = Date.now();

async function checked(name: string, entry: string, args: readonly string[]): Promise<Count> {
  console.log(`\n── ${name}`);
  const code = await runTool(entry, args);
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

async function suite(project: string): Promise<Count> {
  console.log(`\n── ${project}`);
  const file = join(artifacts, `${project}.json`);
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const code = await runTool('vitest/vitest.mjs', ['run', '--project', project, ...reporters]);
  const count = countReport(file);
  // A suite that broke outside of any test must not pass for green.
  return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

function countReport(file: string): Count {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
    const brokenFiles = report.testResults.filter((r) => r.status === 'failed' && r.assertionResults.length === 0);
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + brokenFiles.length,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const ready = await ensureSystemPackages(testingNeeds, {
  yes: process.env['CI'] !== undefined || process.argv.includes('--yes'),
  purpose: 'for running the tests',
});
if (!ready) process.exit(1);

mkdirSync(artifacts, { recursive: true });
const counts = [
  await checked('lint', 'eslint/bin/eslint.js', ['.', '--max-warnings', '0']),
  await checked('types', 'typescript/bin/tsc', ['--noEmit']),
  await checked('components', 'svelte-check/bin/svelte-check', ['--tsconfig', './tsconfig.json', '--fail-on-warnings']),
];
await bundle();
for (const project of ['unit', 'renderer', 'conformance', 'e2e']) counts.push(await suite(project));

const sum = (key: keyof Count): number => counts.reduce((total, count) => total + count[key], 0);
console.log(`\nTook ${Math.round((Date.now() - started) / 1000)} s.`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exit(sum('failed') === 0 ? 0 : 1);
