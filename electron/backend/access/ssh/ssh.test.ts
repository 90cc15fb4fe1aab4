/** Against a real sshd, behind a stand-in for the cluster. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Server } from 'ssh2';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallInput } from '#shared/contract/contract.ts';
import type { ByteStream } from '#shared/channel/types.ts';
import { guestRef, startFakeGuest, type FakeGuest } from '../fake-guest.ts';

let dir: string;
let sshd: ChildProcess;
let guest: FakeGuest;
const user = userInfo().username;
const size = { columns: 90, rows: 33 };

const keygen = (path: string, passphrase = ''): void => void execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', path]);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hayloft-ssh-'));
  const home = join(dir, 'home');
  mkdirSync(join(home, '.ssh'), { recursive: true });
  for (const name of ['host', 'host2']) keygen(join(dir, name));
  keygen(join(home, '.ssh', 'id_ed25519'));
  keygen(join(home, '.ssh', 'locked'), 'open sesame');
  writeFileSync(join(home, '.ssh', 'known_hosts'), 'no key\n');
  writeFileSync(join(home, '.ssh', 'notes.txt'), 'no key either\n');
  vi.stubEnv('HOME', home);
  vi.stubEnv('SSH_AUTH_SOCK', '');
  const port = await freePort();
  writeFileSync(
    join(dir, 'sshd_config'),
    [
      ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${join(dir, 'host')}`, `AuthorizedKeysFile ${join(dir, 'authorized_keys')}`],
      ...['StrictModes no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PermitRootLogin yes', 'UsePAM no', 'PidFile none'],
    ].join('\n'),
  );
  mkdirSync('/run/sshd', { recursive: true });
  sshd = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(dir, 'sshd_config')], { stdio: 'ignore' });
  await vi.waitFor(async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  }, 10_000);
  guest = await startFakeGuest(dir);
  guest.ports.set(22, port);
});
afterAll(async () => {
  await guest.stop();
  sshd.kill();
  rmSync(dir, { recursive: true });
  vi.unstubAllEnvs();
});
beforeEach(() => authorize('id_ed25519'));

const authorize = (...names: string[]): void =>
  writeFileSync(join(dir, 'authorized_keys'), names.map((name) => readFileSync(join(dir, 'home', '.ssh', `${name}.pub`), 'utf8')).join(''));
const shell = (more: Partial<CallInput<'ssh.hostKey'>> & { secret?: object; user?: string } = {}): Promise<ByteStream & { opened: { sessionId: string } }> =>
  guest.client.open('ssh.shell', { ...guestRef, user, ...size, ...more } as never);
const trust = async (port = 22, replace = false): Promise<void> => {
  const { fingerprint } = await guest.client.call('ssh.hostKey', { ...guestRef, port });
  await guest.client.call('ssh.trust', { ...guestRef, port, fingerprint, replace });
};

/** Reads until the text is there. */
async function reads(stream: ByteStream, text: string): Promise<string> {
  let seen = '';
  for await (const chunk of stream.chunks) {
    seen += Buffer.from(chunk).toString();
    if (seen.includes(text)) return seen;
  }
  throw new Error(`The shell ended without “${text}”: ${seen}`);
}

describe('the key of a guest’s SSH server', () => {
  it('is unknown at first, and nobody logs in before it is trusted', async () => {
    const shown = execFileSync('ssh-keygen', ['-lf', join(dir, 'host.pub')], { encoding: 'utf8' }).split(' ')[1];
    expect(await guest.client.call('ssh.hostKey', guestRef)).toEqual({ type: 'ssh-ed25519', fingerprint: shown, state: 'new' });
    await expect(shell()).rejects.toMatchObject({ code: 'untrusted' });
    await expect(guest.client.call('ssh.trust', { ...guestRef, fingerprint: 'SHA256:other', replace: false })).rejects.toMatchObject({ code: 'untrusted' });
    await trust();
    expect(await guest.client.call('ssh.hostKey', guestRef)).toMatchObject({ state: 'trusted' });
  });

  it('is refused when it is another one, and only replaced on purpose', async () => {
    const before = readFileSync(join(dir, 'ssh', 'trusted-host-keys.json'), 'utf8');
    const impostor = new Server({ hostKeys: [readFileSync(join(dir, 'host2'))] }, (client) => client.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    const real = guest.ports.get(22) ?? 0;
    guest.ports.set(22, (impostor.address() as AddressInfo).port);
    try {
      expect(await guest.client.call('ssh.hostKey', guestRef)).toMatchObject({ state: 'changed', trusted: expect.stringMatching(/^SHA256:/) as string });
      await expect(shell({ secret: { kind: 'password', password: 'secret' } })).rejects.toMatchObject({ code: 'untrusted' });
      await expect(trust()).rejects.toMatchObject({ code: 'untrusted' });
      expect(readFileSync(join(dir, 'ssh', 'trusted-host-keys.json'), 'utf8')).toBe(before);
      await trust(22, true);
      expect(await guest.client.call('ssh.hostKey', guestRef)).toMatchObject({ state: 'trusted' });
    } finally {
      guest.ports.set(22, real);
      impostor.close();
    }
    await trust(22, true);
  });

  it('is asked anew for a machine that was made anew', async () => {
    guest.remake('uid-2');
    expect(await guest.client.call('ssh.hostKey', guestRef)).toMatchObject({ state: 'new' });
    guest.remake('uid-1');
  });
});

describe('a shell', () => {
  it('opens with the user’s own key, in the size of its terminal, and follows that', async () => {
    const stream = await shell();
    await stream.write(Buffer.from('stty size; echo "$TERM" en""d\n'));
    const seen = await reads(stream, 'xterm-256color end');
    expect(seen).toContain('33 90');
    await guest.client.call('ssh.resize', { sessionId: stream.opened.sessionId, columns: 120, rows: 40 });
    await stream.write(Buffer.from('stty size; echo en""d\n'));
    expect(await reads(stream, '\nend')).toContain('40 120');
    await stream.write(Buffer.from('exit\n'));
    await reads(stream, 'logout');
  });

  it('ends on the guest when its window is closed', async () => {
    const stream = await shell();
    await stream.write(Buffer.from('echo pid""=$$ en""d\n'));
    const pid = Number(/pid=(\d+) end/.exec(await reads(stream, ' end\r'))?.[1]);
    expect(pid).toBeGreaterThan(1);
    stream.abort();
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow(), 10_000);
  });

  it('opens with an encrypted key and its passphrase', async () => {
    authorize('locked');
    const { keys, agent } = await guest.client.call('ssh.keys', {});
    expect(agent).toBe(false);
    expect(keys.map(({ type, encrypted }) => [type, encrypted])).toEqual([['ssh-ed25519', false], ['ssh-ed25519', true]]);
    await expect(shell()).rejects.toMatchObject({ code: 'unauthorized', hint: expect.stringContaining('nlock an encrypted key') as string });
    const key = keys[1]?.path ?? '';
    await expect(shell({ secret: { kind: 'passphrase', key, passphrase: 'wrong' } })).rejects.toMatchObject({ code: 'unauthorized' });
    const stream = await shell({ secret: { kind: 'passphrase', key, passphrase: 'open sesame' } });
    stream.abort();
  });

  it('says that a guest takes no passwords', async () => {
    authorize();
    await expect(shell()).rejects.toMatchObject({ code: 'unauthorized', field: 'password', message: `None of your keys lets ${user} in.` });
    await expect(shell({ secret: { kind: 'password', password: 'x' } })).rejects.toMatchObject({ message: `The guest takes keys only: no password lets ${user} in.` });
  });

  it('opens with a password, asked plainly or as a question', async () => {
    for (const way of ['password', 'keyboard-interactive'] as const) {
      const server = new Server({ hostKeys: [readFileSync(join(dir, 'host'))] }, (client) => {
        client.on('error', () => undefined);
        client.on('authentication', (attempt) => {
          if (attempt.method === 'password' && way === 'password' && attempt.password === 'right') attempt.accept();
          else if (attempt.method === 'keyboard-interactive' && way === 'keyboard-interactive') {
            attempt.prompt([{ prompt: 'Password:', echo: false }], (answers) => (answers[0] === 'right' ? attempt.accept() : attempt.reject([way])));
          } else attempt.reject([way]);
        });
        client.on('session', (accept) => accept().on('pty', (yes) => yes()).on('shell', (open) => open().end('welcome')));
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      guest.ports.set(2222, (server.address() as AddressInfo).port);
      const { state } = await guest.client.call('ssh.hostKey', { ...guestRef, port: 2222 });
      if (state === 'new') await trust(2222);
      await expect(shell({ port: 2222, secret: { kind: 'password', password: 'wrong' } })).rejects.toMatchObject({ message: `The password for ${user} was not accepted.` });
      const stream = await shell({ port: 2222, secret: { kind: 'password', password: 'right' } });
      await reads(stream, 'welcome');
      stream.abort();
      server.close();
    }
  });

  it('says that nothing answers, or that what answers is something else', async () => {
    await expect(shell({ port: 99 })).rejects.toMatchObject({ code: 'unreachable' });
    const web = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
    await once(web, 'listening');
    guest.ports.set(80, (web.address() as AddressInfo).port);
    await expect(guest.client.call('ssh.hostKey', { ...guestRef, port: 80 })).rejects.toMatchObject({ code: expect.stringMatching(/^un(supported|reachable)$/) as string });
    web.close();
  });
});
