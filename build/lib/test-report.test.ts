import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './root.ts';
import { readReport, sum } from './test-report.ts';

const folder = mkdtempSync(join(tmpdir(), 'report-'));
afterAll(() => rmSync(folder, { recursive: true }));

const result = (status: string, fullName: string, failureMessages: string[] = []): object => ({ status, fullName, failureMessages });
const reportOf = (...testResults: object[]): string => {
  const path = join(folder, 'report.json');
  writeFileSync(path, JSON.stringify({ testResults }));
  return path;
};

describe('a test report', () => {
  it('names what failed, with the first line of the reason', () => {
    const file = { name: join(root, 'test/a.test.ts'), status: 'failed', message: '' };
    const assertionResults = [result('passed', 'one'), result('skipped', 'two'), result('failed', 'three', ['Error: no\n  at somewhere'])];
    expect(readReport(reportOf({ ...file, assertionResults }))).toEqual([
      { file: file.name, count: { passed: 1, failed: 1, skipped: 1 }, failures: ['test/a.test.ts: three: Error: no'] },
    ]);
  });

  it('counts a file that broke outside of its tests', () => {
    const file = { name: join(root, 'test/b.test.ts'), status: 'failed', message: '\nCannot find it', assertionResults: [result('skipped', 'one')] };
    expect(readReport(reportOf(file))).toMatchObject([{ count: { failed: 1, skipped: 1 }, failures: ['test/b.test.ts: Cannot find it'] }]);
  });

  it('is none where the run left nothing to read', () => {
    expect(readReport(join(folder, 'missing.json'))).toBeUndefined();
  });

  it('is summed up', () => {
    expect(sum([{ passed: 1, failed: 0, skipped: 2 }, { passed: 3, failed: 1, skipped: 0 }])).toEqual({ passed: 4, failed: 1, skipped: 2 });
  });
});
