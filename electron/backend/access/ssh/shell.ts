/** Login shells in guests, as byte streams. */
import { randomUUID } from 'node:crypto';
import type { Client, ClientChannel } from 'ssh2';
import type { ServerStream, StreamArguments } from '#shared/channel/handlers.ts';
import { HayloftError } from '#shared/contract/errors.ts';

export class Shells {
  readonly #open = new Map<string, ClientChannel>();

  /** Joins a shell to the stream until either ends. */
  async run(client: Client, params: StreamArguments<'ssh.shell'>, stream: ServerStream<{ sessionId: string }>, signal: AbortSignal): Promise<void> {
    const sessionId = randomUUID();
    let lost: Error | undefined;
    client.on('error', (error) => (lost = error));
    const end = (): void => void client.destroy();
    signal.addEventListener('abort', end, { once: true });
    try {
      const channel = await openShell(client, params);
      this.#open.set(sessionId, channel);
      const closed = new Promise<void>((resolve) => {
        channel.on('close', resolve);
        client.on('close', resolve);
      });
      stream.accept({ sessionId });
      const output = passOutput(channel, stream);
      void passInput(stream, channel);
      await closed;
      await output;
      if (lost && !signal.aborted) throw new HayloftError('connection-lost', `The connection to ${params.name} was lost.`, { retryable: true, cause: lost });
    } finally {
      signal.removeEventListener('abort', end);
      this.#open.delete(sessionId);
      client.destroy();
    }
  }

  /** Tells the shell the size of its terminal. A shell that has ended needs none. */
  resize(sessionId: string, rows: number, columns: number): void {
    this.#open.get(sessionId)?.setWindow(rows, columns, 0, 0);
  }
}

function openShell(client: Client, { columns, rows, name }: StreamArguments<'ssh.shell'>): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.shell({ term: 'xterm-256color', cols: columns, rows }, (error, channel) => {
      if (error) reject(new HayloftError('unsupported', `${name} lets you in and gives you no shell: ${error.message}.`, { cause: error }));
      else resolve(channel);
    });
  });
}

async function passOutput(channel: ClientChannel, stream: ServerStream<object>): Promise<void> {
  try {
    for await (const chunk of channel) await stream.write(chunk as Buffer);
  } catch {
    // The viewer is gone, or the connection is: whoever can still be told is told when it closes.
    channel.close();
  }
}

async function passInput(stream: ServerStream<object>, channel: ClientChannel): Promise<void> {
  try {
    for await (const chunk of stream.chunks) {
      if (!channel.write(chunk)) await new Promise((resolve) => channel.once('drain', resolve).once('close', resolve));
    }
    channel.end();
  } catch {
    channel.close();
  }
}
