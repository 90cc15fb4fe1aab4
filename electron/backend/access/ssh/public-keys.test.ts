/** Against OpenSSH's own keys and agent. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { publicKeys } from './public-keys.ts';

let folder = '';
let agent: ChildProcess;
const socket = (): string => join(folder, 'agent');
const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { env: { ...process.env, SSH_AUTH_SOCK: socket() }, stdio: ['ignore', 'pipe', 'ignore'] }).toString();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-keys-'));
  for (const name of ['one', 'two']) run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `${name}@loft`, '-f', join(folder, name));
  writeFileSync(join(folder, 'notes.pub'), 'no key\n');
  agent = spawn('ssh-agent', ['-D', '-a', socket()], { stdio: 'ignore' });
  await vi.waitFor(() => expect(existsSync(socket())).toBe(true));
  for (const name of ['one', 'two']) run('ssh-add', join(folder, name));
  rmSync(join(folder, 'two.pub'));
});

afterAll(() => {
  agent.kill();
  rmSync(folder, { recursive: true, force: true });
});

it('finds keys in files and in the agent, each once, as OpenSSH shows them', async () => {
  const keys = await publicKeys(folder, socket());
  expect(keys.map(({ comment, from }) => [comment, from])).toEqual([
    ['one@loft', 'file'],
    ['two@loft', 'agent'],
  ]);
  expect(keys[0]?.text).toBe(readFileSync(join(folder, 'one.pub'), 'utf8').trim());
  expect(run('ssh-add', '-l')).toContain(keys[1]?.fingerprint);
});

it('does without a folder and without an agent that answers', async () => {
  expect(await publicKeys(join(folder, 'none'), join(folder, 'nobody'))).toEqual([]);
});
