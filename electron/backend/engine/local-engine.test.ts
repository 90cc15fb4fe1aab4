import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { stringify } from 'yaml';
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

it('says of an engine that is there and answers nothing what it is and what to do, starts no second one, and takes it up again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'hayloft-local-'));
  const held: ServerResponse[] = [];
  let frozen = true;
  const standIn = createServer((_request, response) => (frozen ? held.push(response) : response.end('{}'))).listen(join(dir, 'api.sock'));
  await vi.waitFor(() => expect(standIn.listening).toBe(true));
  const server = 'https://127.0.0.1:1';
  writeFileSync(join(dir, 'engine.json'), JSON.stringify({ pid: process.pid, port: 1 }));
  writeFileSync(join(dir, 'kubeconfig'), stringify({
    'current-context': 'own',
    contexts: [{ name: 'own', context: { cluster: 'own', user: 'own' } }],
    clusters: [{ name: 'own', cluster: { server } }],
    users: [{ name: 'own', user: { token: 'any' } }],
  }));
  const info = vi.fn();
  const cluster = new ClusterConnection({ id: 'local', name: 'This computer', local: true, changed: () => undefined, warn: () => undefined });
  const engine = new LocalEngine({ dir, main, cluster, log: { info, warn: () => undefined } });
  onTestFinished(() => {
    engine.close();
    cluster.close();
    standIn.closeAllConnections();
    standIn.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const began = Date.now();
  engine.begin();
  await vi.waitFor(() => expect(engine.topic.get('local')).toMatchObject({ state: 'silent' }), 10_000);
  const told = engine.topic.get('local');
  expect(told?.error).toMatchObject({ code: 'timeout', message: 'The engine on this computer does not answer.' });
  expect(told?.error?.hint).toContain(`process ${process.pid} `);
  expect(told?.since).toBeGreaterThanOrEqual(began);
  expect(cluster.view).toMatchObject({ state: 'unreachable', error: { message: told?.error?.message } });
  expect(info).not.toHaveBeenCalled();
  frozen = false;
  await vi.waitFor(() => expect(engine.topic.get('local')).toMatchObject({ state: 'running', endpoint: server }), 10_000);
});
