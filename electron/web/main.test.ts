import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'rolldown';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_PORT } from './flags.ts';

/** In place of the real backend, which would start an engine: answers nothing, and says when it begins and is closed. */
const backendStandIn = `export function createBackend() {
  const begin = () => { process.stderr.write('backend began\\n'); };
  const close = () => { process.stdout.write('backend closed\\n'); return Promise.resolve(); };
  return { handlers: { calls: {}, topics: {}, streams: {} }, begin, close };
}`;

let folder: string;
let main: string;
const running: ChildProcess[] = [];
const listening: Server[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-web-main-'));
  main = join(folder, 'dist', 'web', 'main.js');
  await build({
    input: { main: join(import.meta.dirname, 'main.ts') },
    platform: 'node',
    external: ['bufferutil', 'utf-8-validate'],
    plugins: [
      {
        name: 'backend-stand-in',
        resolveId: (id) => (id.endsWith('/backend/backend.ts') ? 'backend-stand-in' : undefined),
        load: (id) => (id === 'backend-stand-in' ? backendStandIn : undefined),
      },
    ],
    output: { dir: join(folder, 'dist', 'web'), format: 'es' },
  });
  writeFileSync(join(folder, 'dist', 'package.json'), '{"type":"module"}');
  mkdirSync(join(folder, 'dist', 'renderer'));
  writeFileSync(join(folder, 'dist', 'renderer', 'index.html'), '<title>Hayloft</title>');
});
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  for (const server of listening.splice(0)) server.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Run {
  child: ChildProcess;
  /** The first line that it prints. */
  line: Promise<string>;
  ended: Promise<{ code: number | null; out: string; errors: string }>;
}

function run(...args: string[]): Run {
  const child = spawn(process.execPath, [main, '--no-open', '--data-dir', join(folder, 'data'), ...args]);
  running.push(child);
  const line = once(child.stdout, 'data').then(([bytes]) => String(bytes).split('\n')[0] ?? '');
  const ended = Promise.all([once(child, 'close') as Promise<[number | null]>, text(child.stdout), text(child.stderr)]).then(
    ([[code], out, errors]) => ({ code, out, errors }),
  );
  return { child, line, ended };
}

/** Takes a port; true when it is ours, false when it was taken already. */
function occupy(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      listening.push(server);
      resolve(server);
    });
  });
}

const readyLine = /^Hayloft is ready: (http:\/\/127\.0\.0\.1:(\d+)\/)#token=[\w-]{43}$/;

describe('the web host’s program', () => {
  it('says where it is, serves, and closes when asked to', async () => {
    const { child, line, ended } = run('--port', '0');
    const [, address = ''] = readyLine.exec(await line) ?? [];
    expect(await (await fetch(address)).text()).toBe('<title>Hayloft</title>');
    child.kill('SIGTERM');
    const { code, out, errors } = await ended;
    expect(code).toBe(0);
    expect(errors).toBe('backend began\n');
    expect(out).toMatch(/backend closed\n$/);
  });

  it('keeps its token from one run to the next', async () => {
    const tokens: (string | undefined)[] = [];
    for (let start = 0; start < 2; start += 1) {
      const { child, line, ended } = run('--port', '0');
      tokens.push((await line).split('#')[1]);
      child.kill('SIGINT');
      expect((await ended).code).toBe(0);
    }
    expect(tokens[1]).toBe(tokens[0]);
  });

  it('stops when the port that it was given is taken, and says what to do', async () => {
    const server = await occupy(0);
    const { port } = server?.address() as AddressInfo;
    const { code, out, errors } = await run('--port', String(port)).ended;
    expect(code).toBe(1);
    expect(out).toBe('backend closed\n');
    expect(errors).toBe(
      `Port ${port} is in use by another program.\nChoose another port, or let Hayloft take any free one with --port 0.\n`,
    );
  });

  it('takes any free port when the usual one is taken', async () => {
    await occupy(DEFAULT_PORT);
    const { child, line, ended } = run();
    const [, , port] = readyLine.exec(await line) ?? [];
    expect(Number(port)).not.toBe(DEFAULT_PORT);
    child.kill('SIGTERM');
    await ended;
  });

  it('explains its flags when they make no sense', async () => {
    const { code, errors } = await run('--port', 'many').ended;
    expect(code).toBe(2);
    expect(errors).toContain('--data-dir');
  });
});
