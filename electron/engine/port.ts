/** The port that the engine serves on: asked for, remembered, or any. */
import { createServer, type Server } from 'node:net';
import { HayloftError } from '#shared/contract/hayloft-error.ts';

export const loopback = '127.0.0.1';

/** A port that is held already, for a server that will listen once there is something to serve. */
export interface HeldPort {
  port: number;
  /** The listening socket: `server.listen(held.socket)` takes it over. Closed together with that server. */
  socket: Server;
  release(): void;
}

/**
 * Holds the port that was asked for; else the remembered one, or any if that is taken meanwhile.
 * @param asked 0 for any
 * @throws HayloftError `port-taken` when the port that was asked for is not to be had
 */
export async function holdPort(asked: number | undefined, remembered: number | undefined): Promise<HeldPort> {
  if (asked === undefined) return hold(remembered ?? 0).catch(() => hold(0));
  try {
    return await hold(asked);
  } catch (error) {
    throw explain(asked, error);
  }
}

function hold(port: number): Promise<HeldPort> {
  return new Promise((resolve, reject) => {
    // Who comes before the engine is ready is turned away and tries again.
    const socket = createServer((connection) => connection.destroy());
    socket.once('error', reject);
    socket.listen({ host: loopback, port, exclusive: true }, () => {
      const address = socket.address();
      const bound = typeof address === 'object' ? (address?.port ?? port) : port;
      resolve({ port: bound, socket, release: () => socket.close() });
    });
  });
}

function explain(port: number, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new HayloftError('port-taken', `Port ${port} is used by another program.`, {
      hint: 'Choose another port with --port, or leave it out to get a free one.',
      field: 'port',
    });
  }
  if (code === 'EACCES') {
    return new HayloftError('forbidden', `This user may not use port ${port}.`, {
      hint: 'Choose a port above 1023 with --port, or leave it out to get a free one.',
      field: 'port',
    });
  }
  return error;
}
