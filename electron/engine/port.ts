/** The port that the engine serves on, the same on every address: asked for, remembered, or any. */
import { createServer, isIP, type Server } from 'node:net';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { loopback } from './listen/addresses.ts';

/** A port that is held already, for a server that will listen once there is something to serve. */
export interface HeldPort {
  port: number;
  /** The listening sockets: `server.listen(socket)` takes one over. Closed together with that server. */
  sockets: readonly Server[];
  release(): void;
}

/**
 * Holds the port that was asked for; else the remembered one, or any if that is taken meanwhile.
 * @param asked 0 for any
 * @param listen addresses beside loopback
 * @throws HayloftError `port-taken` when the port that was asked for is not to be had, `bad-input` for an address that is
 *   none of this computer's
 */
export async function holdPort(asked: number | undefined, remembered: number | undefined, listen: readonly string[] = []): Promise<HeldPort> {
  const port = asked ?? remembered ?? 0;
  try {
    return await holdAll(port, listen);
  } catch (error) {
    if (asked === undefined && port !== 0 && codeOf(error) === 'EADDRINUSE') return holdAll(0, listen);
    throw explain(port, error);
  }
}

async function holdAll(port: number, listen: readonly string[]): Promise<HeldPort> {
  const sockets: Server[] = [];
  const release = (): void => sockets.forEach((socket) => socket.close());
  let bound = port;
  try {
    for (const address of bindOrder(listen)) {
      try {
        const socket = await hold(address, bound);
        sockets.push(socket);
        bound = portOf(socket) ?? bound;
      } catch (error) {
        // A computer without IPv6 has all of its addresses without it.
        if (address !== '::' || sockets.length === 0 || !['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(codeOf(error) ?? '')) throw error;
      }
    }
    return { port: bound, sockets, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Loopback is always among them; the address that means all IPv4 ones has it in it, and would not fit beside it. */
function bindOrder(listen: readonly string[]): string[] {
  if (!listen.includes('0.0.0.0')) return [loopback, ...listen.filter((address) => !listen.includes('::') || isIP(address) === 4 || address === '::')];
  return ['0.0.0.0', ...listen.filter((address) => isIP(address) === 6 && (address === '::' || !listen.includes('::')))];
}

function hold(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    // Who comes before the engine is ready is turned away and tries again.
    const socket = createServer((connection) => connection.destroy());
    socket.once('error', (error) => reject(Object.assign(error, { host })));
    socket.listen({ host, port, exclusive: true, ipv6Only: isIP(host) === 6 }, () => resolve(socket));
  });
}

function portOf(socket: Server): number | undefined {
  const address = socket.address();
  return typeof address === 'object' ? address?.port : undefined;
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

function explain(port: number, error: unknown): unknown {
  const host = error instanceof Error && 'host' in error ? String(error.host) : '';
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new HayloftError('port-taken', `Port ${port} is used by another program.`, {
        hint: 'Choose another port with --port, or leave it out to get a free one.',
        field: 'port',
      });
    case 'EACCES':
      return new HayloftError('forbidden', `This user may not use port ${port}.`, {
        hint: 'Choose a port above 1023 with --port, or leave it out to get a free one.',
        field: 'port',
      });
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return new HayloftError('bad-input', `This computer does not have the address ${host} now.`, {
        hint: 'Listen on one that it has, or on all with --listen lan. Where addresses come late after a boot, "lan" takes them as they come.',
        field: 'listen',
        retryable: true,
      });
    default:
      return error;
  }
}
