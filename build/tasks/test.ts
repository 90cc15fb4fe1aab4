/** `npm test`: lint, types, then the unit, conformance and end-to-end suites; the last line counts them all. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { testingNeeds } from '../../shared/host/packages.ts';
import { bundle } from '../lib/bundle.ts';
import { root } from '../lib/root.ts';
import { runTool, runToolAside } from '../lib/run.ts';
import { ensureSystemPackages } from '../lib/system-packages.ts';
import { readReport, sum, type Count, type FileReport } from '../lib/test-report.ts';

const artifacts = join(root, 'test', '.artifacts');
const started = Date.now();
/** More than these fail for a reason. */
const mostRunAgain = 3;
const failures: string[] = [];
const unsteady: string[] = [];

async function checked(name: string, entry: string, args: readonly string[]): Promise<Count> {
  const { code, output } = await runToolAside(entry, args);
  console.log(`\n── ${name}\n${output.trimEnd()}`);
  if (code !== 0) failures.push(`${name}: see above`);
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** One Vitest project, in all its files or some. */
async function run(project: string, files: readonly string[] = []): Promise<FileReport[]> {
  const report = join(artifacts, `${project}.json`);
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await runTool('vitest/vitest.mjs', ['run', '--project', project, ...reporters, ...files]);
  const results = readReport(report) ?? [];
  // A suite that broke outside of any test must not pass for green.
  if (code !== 0 && results.every(({ failures }) => failures.length === 0)) results.push(broken(project));
  return results;
}

function broken(project: string): FileReport {
  return { file: project, count: { passed: 0, failed: 1, skipped: 0 }, failures: [`${project}: the suite broke outside of its tests`] };
}

/**
 * A suite: most have real guests, browsers and networks. A few files that fail are run once more, by themselves: what passes then is
 * named as unsteady at the end, and is to be mended like a failure, but says nothing against the change that was tested.
 */
async function suite(project: string): Promise<Count> {
  console.log(`\n── ${project}`);
  const first = await run(project);
  const failed = first.filter((result) => result.failures.length > 0);
  if (failed.length === 0 || failed.length > mostRunAgain || failed.some(({ file }) => !existsSync(file))) {
    failures.push(...failed.flatMap((result) => result.failures));
    return sum(first.map((result) => result.count));
  }
  console.log(`\n── ${project}, once more: ${failed.map(({ file }) => relative(root, file)).join(', ')}`);
  const second = await run(
    project,
    failed.map(({ file }) => file),
  );
  const stillFailing = second.flatMap((result) => result.failures);
  failures.push(...stillFailing);
  unsteady.push(...failed.flatMap((result) => result.failures).filter((line) => !stillFailing.includes(line)));
  return sum([...first.filter((result) => !failed.includes(result)), ...second].map((result) => result.count));
}

const ready = await ensureSystemPackages(testingNeeds, {
  yes: process.env['CI'] !== undefined || process.argv.includes('--yes'),
  purpose: 'for running the tests',
});
if (!ready) process.exit(1);

mkdirSync(artifacts, { recursive: true });
// Each of these has use for one processor. The images take minutes when they are made for the first time.
const images = runToolAside(join('..', 'test', 'rig', 'images', 'make-all.ts'), []);
const lint = checked('lint', 'eslint/bin/eslint.js', ['.', '--max-warnings', '0']);
const counts = [
  await checked('types', 'typescript/bin/tsc', ['--noEmit']),
  await checked('components', 'svelte-check/bin/svelte-check', ['--tsconfig', './tsconfig.json', '--fail-on-warnings']),
];
await bundle();
// The linter has use for one processor and for minutes, and is not waited for: suites wait for timers more than it minds.
for (const project of ['unit', 'renderer']) counts.push(await suite(project));
const made = await images;
if (made.code !== 0) console.error(`\nNot all images for the tests could be made; those that need them will fail.\n${made.output}`);
for (const project of ['conformance', 'e2e']) counts.push(await suite(project));
counts.push(await lint);

const total = sum(counts);
list('Failed:', failures);
list('Unsteady (failed, and passed when run once more):', unsteady);
console.log(`\nTook ${Math.round((Date.now() - started) / 1000)} s.`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);

function list(heading: string, lines: readonly string[]): void {
  if (lines.length > 0) console.log(`\n${heading}\n${lines.map((line) => `  ${line}`).join('\n')}`);
}
