/** The app's connection to an engine through real proxies: tinyproxy (HTTP's CONNECT) and microsocks (SOCKS 5). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Access } from '../../electron/backend/clusters/access.ts';
import { ClusterConnection } from '../../electron/backend/clusters/connection.ts';
import { diagnose } from '../../electron/backend/clusters/diagnosis/diagnose.ts';
import { virtualMachines } from '../../electron/backend/clusters/kinds.ts';
import { readKubeconfig } from '../../electron/backend/clusters/kubeconfig.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { startProgram, type RunningProgram } from '../rig/process.ts';
import { until } from '../rig/until.ts';

let engine: RigEngine;
let access: Access;
let folder: string;
let cluster: ClusterConnection | undefined;
const programs: RunningProgram[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-proxies-'));
  engine = await startEngine();
  access = readKubeconfig(engine.kubeconfig);
});
afterEach(async () => {
  cluster?.close();
  for (const program of programs.splice(0)) await program.stop();
});
afterAll(async () => {
  await engine.destroy();
  rmSync(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function run(command: string, args: readonly string[], port: number): Promise<void> {
  programs.push(startProgram(command, args));
  await until(`${command} to listen`, async () => {
    const socket = connect(port, '127.0.0.1');
    const open = await once(socket, 'connect').then(() => true, () => false);
    socket.destroy();
    return open;
  });
}

async function tinyproxy(): Promise<{ url: string; log: () => string }> {
  const port = await freePort();
  const log = join(folder, `tinyproxy-${port}.log`);
  const config = join(folder, `tinyproxy-${port}.conf`);
  const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 600', 'MaxClients 50', `LogFile "${log}"`, 'LogLevel Connect', 'BasicAuth anna secret'];
  writeFileSync(config, `${lines.join('\n')}\n`);
  await run('tinyproxy', ['-d', '-c', config], port);
  return { url: `http://anna:secret@127.0.0.1:${port}`, log: () => readFileSync(log, 'utf8') };
}

async function microsocks(): Promise<string> {
  const port = await freePort();
  await run('microsocks', ['-i', '127.0.0.1', '-p', String(port), '-u', 'anna', '-P', 'secret'], port);
  return `socks5://anna:secret@127.0.0.1:${port}`;
}

function connected(proxy: string): ClusterConnection {
  cluster = new ClusterConnection({ id: 'far', name: 'Far', local: false, changed: () => undefined, warn: () => undefined });
  cluster.connect({ ...access, proxy });
  return cluster;
}

/** Lists, watches and writes: all that the app does. */
async function works(far: ClusterConnection, name: string): Promise<void> {
  const seen: string[] = [];
  far.cache(virtualMachines).watch((keys) => seen.push(...keys));
  await far.cache(virtualMachines).completed();
  const spec = { runStrategy: 'Halted', template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} } } } };
  const body = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name }, spec };
  await (await far.client()).call('POST', '/apis/kubevirt.io/v1/namespaces/default/virtualmachines', { body });
  await until('the watch to tell', () => seen.includes(`default/${name}`));
  expect(far.view.state).toBe('ready');
}

describe('an HTTP proxy', () => {
  it('carries lists, watches and writes, and is part of the diagnosis', async () => {
    const { url, log } = await tinyproxy();
    await works(connected(url), 'by-http');
    expect(log()).toMatch(/CONNECT 127\.0\.0\.1:\d+/);
    const { checks, usable } = await diagnose({ ...access, proxy: url }, AbortSignal.timeout(20_000));
    expect(usable).toBe(true);
    expect(checks.map(({ id }) => id).slice(0, 2)).toEqual(['proxy', 'certificate']);
  });

  it('that wants a password says so', async () => {
    const { url } = await tinyproxy();
    const far = connected(url.replace('anna:secret@', ''));
    await until('the reason', () => far.view.error?.message.includes('wants a user name and a password'));
    expect(far.view.state).toBe('unreachable');
  });

  it('that goes and comes back is told within five seconds, and gone on with', async () => {
    const { url } = await tinyproxy();
    const far = connected(url);
    await works(far, 'before');
    const [program] = programs;
    await program?.stop('SIGKILL');
    await until('unreachable', () => far.view.state === 'unreachable', 5000);
    expect(far.view.error?.message).toMatch(/The proxy 127\.0\.0\.1:\d+ cannot be reached/);
    await run('tinyproxy', ['-d', '-c', join(folder, `tinyproxy-${new URL(url).port}.conf`)], Number(new URL(url).port));
    await until('ready', () => far.view.state === 'ready', 5000);
    await works(far, 'after');
  });
});

describe('a SOCKS proxy', () => {
  it('carries lists, watches and writes', async () => {
    await works(connected(await microsocks()), 'by-socks');
  });

  it('that does not take the password says so', async () => {
    const far = connected((await microsocks()).replace('secret', 'wrong'));
    await until('the reason', () => far.view.error?.message.includes('wants a user name and a password'));
  });

  it('that cannot reach the cluster says why', async () => {
    const port = await freePort();
    const proxy = await microsocks();
    cluster = new ClusterConnection({ id: 'far', name: 'Far', local: false, changed: () => undefined, warn: () => undefined });
    cluster.connect({ ...access, server: `https://127.0.0.1:${port}`, proxy });
    const far = cluster;
    await until('the reason', () => far.view.error?.message.includes('does not lead to the cluster: the connection was refused'));
  });
});
