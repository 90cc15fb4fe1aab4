import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openLog } from './log.ts';

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'engine.log');
}

it('tells errors with their cause and leaves secrets out', () => {
  const path = temporaryFile();
  const log = openLog(path);
  log.warn('It failed', { error: new Error('outer', { cause: new Error('inner') }), request: { Authorization: 'Bearer x', name: 'a' } });
  log.close();
  const entry = JSON.parse(readFileSync(path, 'utf8')) as unknown;
  expect(entry).toMatchObject({
    level: 'warn',
    message: 'It failed',
    error: { message: 'outer', cause: { message: 'inner' } },
    request: { Authorization: '[left out]', name: 'a' },
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('is bounded in size', () => {
  const path = temporaryFile();
  const log = openLog(path, 1000);
  for (let index = 0; index < 100; index += 1) log.info(`Line ${index}`);
  log.close();
  expect(statSync(path).size).toBeLessThanOrEqual(1000);
  expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(1000);
  expect(readFileSync(path, 'utf8')).toContain('Line 99');
});
