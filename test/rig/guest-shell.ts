/** A shell inside a machine that boots the rig's `shell-disk`, over its serial line: what the guest itself sees. */
import { WebSocket } from 'ws';
import type { EngineClient } from './engine-client.ts';
import { shellPassword } from './images/shell-disk.ts';
import { until } from './until.ts';

export interface GuestShell {
  /** Everything the line has shown. */
  screen(): string;
  /** Runs a command (of busybox's sh) and resolves with what it printed; throws when it ends with a failure. */
  run(command: string, limitMs?: number): Promise<string>;
  /** Starts a command and does not wait for it. */
  type(command: string): void;
  close(): void;
}

export interface SerialLine {
  /** Everything the line has shown. */
  screen(): string;
  send(text: string): void;
  close(): void;
}

/** A machine's serial line as it is, whatever runs in it. */
export async function openSerialLine(engine: EngineClient, name: string): Promise<SerialLine> {
  const path = `/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/${name}/console`;
  const socket = new WebSocket(engine.endpoint.replace(/^https/, 'wss') + path, ['plain.kubevirt.io'], {
    ca: engine.ca,
    headers: { authorization: `Bearer ${engine.token}` },
  });
  let screen = '';
  socket.on('message', (bytes: Buffer) => (screen += bytes.toString('latin1')));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return { screen: () => screen, send: (text) => socket.send(Buffer.from(text)), close: () => socket.close() };
}

const bootMs = 90_000;

/** Waits for the login prompt of a machine of the engine's and logs in as root. */
export async function openGuestShell(engine: EngineClient, name: string, limitMs = bootMs): Promise<GuestShell> {
  return logIn(await openSerialLine(engine, name), name, limitMs);
}

/** The same over any line that leads to such a guest. */
export async function logIn(line: SerialLine, name: string, limitMs = bootMs): Promise<GuestShell> {
  const type = (text: string): void => line.send(`${text}\n`);
  const shows = (what: string, test: () => boolean, ms = limitMs): Promise<unknown> =>
    until(what, test, ms).catch((error: unknown) => {
      throw new Error(`${String(error)}\nThe serial line of ${name} ends with:\n${line.screen().slice(-2000)}`);
    });
  // busybox asks after the prompt where the cursor is.
  const prompt = /# (.\[6n)?$/;
  if (!/login: $/.test(line.screen())) type('');
  await shows('the login prompt', () => /login: $/.test(line.screen()) || prompt.test(line.screen()));
  if (!prompt.test(line.screen())) {
    type('root');
    await shows('the password prompt', () => line.screen().includes('Password:'));
    type(shellPassword);
    await shows('a shell', () => prompt.test(line.screen()));
  }
  let count = 0;
  return {
    screen: () => line.screen(),
    type,
    run: async (command, ms = 30_000) => {
      count += 1;
      const from = line.screen().length;
      // Written in two parts, so that the line's echo is not taken for the answer.
      type(`echo BE''GIN${count}; ${command}; echo E''ND${count} $?`);
      const pattern = new RegExp(`BEGIN${count}\\r?\\n([^]*?)END${count} (\\d+)`);
      await shows(`"${command}"`, () => pattern.test(line.screen().slice(from)), ms);
      const [, text = '', code] = pattern.exec(line.screen().slice(from)) ?? [];
      if (code !== '0') throw new Error(`${command} ended with ${code ?? '?'}:\n${text}`);
      return text.replaceAll('\r', '').trim();
    },
    close: () => line.close(),
  };
}
