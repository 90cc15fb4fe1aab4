/** The engine's program as others start it: as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';

const program = join(import.meta.dirname, 'main.ts');

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-main-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Started {
  child: ChildProcess;
  line: string;
  end: (signal: NodeJS.Signals) => Promise<number | null>;
}

/** Resolves with the first line that it prints. */
async function start(...args: string[]): Promise<Started> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
    return child.exitCode;
  };
  onTestFinished(async () => {
    await end('SIGKILL');
  });
  for await (const line of createInterface({ input: child.stdout })) return { child, line, end };
  throw new Error('It ended without a word.');
}

/** The line for programs that a start which fails ends with. */
async function failure(...args: string[]): Promise<{ exitCode: number | null; code: string; message: string; hint: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [words] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  const line = /^Engine failed: (.*)$/m.exec(words)?.[1];
  if (line === undefined) throw new Error(words);
  return { exitCode: child.exitCode, ...(JSON.parse(line) as { code: string; message: string; hint: string }) };
}

/** A port that is taken until the test ends. */
async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

describe('the engine’s program', () => {
  it('says where it is, keeps its secrets to this user, and is at the same place after kill -9', async () => {
    const folder = join(temporary(), 'deep', 'data');
    const first = await start('--data-dir', folder);
    expect(first.line).toMatch(/^Engine is ready: https:\/\/127\.0\.0\.1:\d+ kubeconfig: .*\/kubeconfig$/);
    expect(first.line.endsWith(join(folder, 'kubeconfig'))).toBe(true);
    const kubeconfig = readFileSync(join(folder, 'kubeconfig'), 'utf8');
    for (const name of ['engine.db', 'token', 'kubeconfig', 'tls/ca.key', 'tls/server.key', 'engine.log']) {
      expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    for (const name of ['', 'tls']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o700);
    await first.end('SIGKILL');

    const second = await start('--data-dir', folder);
    expect(second.line).toBe(first.line);
    expect(readFileSync(join(folder, 'kubeconfig'), 'utf8')).toBe(kubeconfig);
    expect(await second.end('SIGTERM')).toBe(0);
    const token = readFileSync(join(folder, 'token'), 'utf8').trim();
    expect(readFileSync(join(folder, 'engine.log'), 'utf8')).not.toContain(token);
  });

  it('takes another port when the remembered one is gone', async () => {
    const folder = temporary();
    writeFileSync(join(folder, 'engine.json'), JSON.stringify({ pid: 1, port: await takenPort() }));
    const { line, end } = await start('--data-dir', folder);
    expect(line).toMatch(/^Engine is ready/);
    expect(await end('SIGINT')).toBe(0);
  });

  it('lets no second engine into its folder', async () => {
    const folder = temporary();
    const { child, end } = await start('--data-dir', folder);
    // What the running engine finds out about the host in the meantime is its own.
    const names = (): string[] => readdirSync(folder).filter((name) => name !== 'cache');
    const before = names();
    const refused = await failure('--data-dir', folder);
    expect(refused).toMatchObject({ exitCode: 1, code: 'conflict' });
    expect(refused.message).toContain(`process ${String(child.pid)}`);
    expect(names()).toEqual(before);
    expect(await end('SIGTERM')).toBe(0);
  });

  it('tells when a port is taken, and leaves nothing behind', async () => {
    const parent = temporary();
    const port = await takenPort();
    const folder = join(parent, 'deep', 'data');
    expect(await failure('--data-dir', folder, '--port', String(port))).toMatchObject({ exitCode: 1, code: 'port-taken' });
    expect(existsSync(join(parent, 'deep'))).toBe(false);

    const own = join(parent, 'own');
    mkdirSync(own);
    writeFileSync(join(own, 'note'), 'mine');
    expect(await failure('--data-dir', own, '--port', String(port))).toMatchObject({ code: 'port-taken' });
    expect(readdirSync(own)).toEqual(['note']);
  });

  it.each<[string, string[], string]>([
    ['no folder', [], 'bad-input'],
    ['a file for a folder', ['--data-dir', program], 'bad-input'],
    ['a folder that cannot be made', ['--data-dir', '/proc/hayloft'], 'forbidden'],
    ['a port that is none', ['--data-dir', '/proc/hayloft', '--port', '99999'], 'bad-input'],
    ['an unknown flag', ['--data-directory', 'x'], 'bad-input'],
  ])('refuses %s', async (_name, args, code) => {
    expect(await failure(...args)).toMatchObject({ exitCode: 1, code });
  });
});
