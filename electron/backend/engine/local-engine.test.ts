import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ClusterConnection } from '../clusters/connection.ts';
import { nodes } from '../clusters/kinds.ts';
import { LocalEngine } from './local-engine.ts';

const main = join(import.meta.dirname, '..', '..', 'engine', 'main.ts');

it('takes a new token that the engine was told to make, by itself', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'hayloft-local-'));
  const states: string[] = [];
  const log = { info: () => undefined, warn: () => undefined };
  const cluster = new ClusterConnection({ id: 'local', name: 'This computer', local: true, changed: ({ state }) => states.push(state), warn: () => undefined });
  const engine = new LocalEngine({ dir, main, cluster, log });
  onTestFinished(async () => {
    engine.close();
    cluster.close();
    const { pid } = JSON.parse(readFileSync(join(dir, 'engine.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGTERM');
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), 15_000);
    rmSync(dir, { recursive: true, force: true });
  });
  engine.begin();
  await vi.waitFor(() => expect(cluster.view.state).toBe('ready'), 30_000);
  const stop = cluster.cache(nodes).watch(() => undefined);
  onTestFinished(() => stop());
  const before = readFileSync(join(dir, 'token'), 'utf8');
  const { status, stderr } = spawnSync(process.execPath, [main, 'rotate', 'owner', '--data-dir', dir], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  expect(readFileSync(join(dir, 'token'), 'utf8')).not.toBe(before);
  states.length = 0;
  await vi.waitFor(() => expect(states).toContain('unauthorized'), 10_000);
  await vi.waitFor(() => expect(cluster.view.state).toBe('ready'), 10_000);
});
