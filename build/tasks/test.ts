/** `npm test`: lint, types, then the unit, conformance and end-to-end suites; the last line counts them all. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testingNeeds } from '../../shared/host/packages.ts';
import { bundle } from '../lib/bundle.ts';
import { root } from '../lib/root.ts';
import { runTool, runToolAside } from '../lib/run.ts';
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
  const { code, output } = await runToolAside(entry, args);
  console.log(`\n── ${name}\n${output.trimEnd()}`);
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
// Each of these has use for one processor. The images take minutes when they are made for the first time.
const images = runToolAside(join('..', 'test', 'rig', 'images', 'make-all.ts'), []);
const typed = async (): Promise<Count[]> => [
  await checked('types', 'typescript/bin/tsc', ['--noEmit']),
  await checked('components', 'svelte-check/bin/svelte-check', ['--tsconfig', './tsconfig.json', '--fail-on-warnings']),
];
const counts = (await Promise.all([checked('lint', 'eslint/bin/eslint.js', ['.', '--max-warnings', '0']), typed()])).flat();
await bundle();
for (const project of ['unit', 'renderer']) counts.push(await suite(project));
const made = await images;
if (made.code !== 0) console.error(`\nNot all images for the tests could be made; those that need them will fail.\n${made.output}`);
for (const project of ['conformance', 'e2e']) counts.push(await suite(project));

const sum = (key: keyof Count): number => counts.reduce((total, count) => total + count[key], 0);
console.log(`\nTook ${Math.round((Date.now() - started) / 1000)} s.`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exit(sum('failed') === 0 ? 0 : 1);
