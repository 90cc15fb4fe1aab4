/** Ports of this computer that lead to guests: opened on loopback, listed, and gone with the app. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { PortForward } from '#shared/contract/access.ts';
import { refKey, type ObjectRef } from '#shared/contract/machines.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { Topic } from '../topics/topic.ts';
import { nobodyThere, openTunnel } from './tunnel.ts';

const loopback = '127.0.0.1';
/** Browsers open many connections at once; more than this is somebody's mistake. */
const mostConnections = 256;

interface Entry {
  server: Server;
  /** Ends with the forward, and everything that goes through it. */
  end: AbortController;
  sockets: Set<Socket>;
}

export class PortForwards {
  readonly topic = new Topic<PortForward>({ key: (item) => item.id });
  readonly #clusters: Clusters;
  readonly #entries = new Map<string, Entry>();
  #lastId = 0;

  constructor(clusters: Clusters) {
    this.#clusters = clusters;
  }

  /**
   * Opens a port. Whether the guest answers there is only known when somebody connects.
   * @param localPort any free one when not given
   * @throws HayloftError `port-taken`
   */
  async open(machine: ObjectRef, port: number, localPort?: number): Promise<PortForward> {
    const same = this.topic.values().find((item) => refKey(item.machine) === refKey(machine) && item.port === port);
    if (same && (localPort === undefined || localPort === same.localPort)) return same;
    // Fails for a cluster that is not there.
    this.#clusters.get(machine.clusterId);
    const server = createServer({ noDelay: true, allowHalfOpen: false });
    await listen(server, localPort);
    const id = `forward-${(this.#lastId += 1)}`;
    const entry = { server, end: new AbortController(), sockets: new Set<Socket>() };
    const { clusterId, namespace, name } = machine;
    const forward = {
      ...{ id, machine: { clusterId, namespace, name }, port },
      localPort: (server.address() as AddressInfo).port,
      ...{ opened: Date.now(), connections: 0, total: 0 },
    };
    server.maxConnections = mostConnections;
    server.on('connection', (socket) => void this.#carry(id, entry, socket));
    this.#entries.set(id, entry);
    this.topic.put(forward);
    return forward;
  }

  /** Closes a port and every connection through it. @throws HayloftError `not-found` */
  close(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) throw new HayloftError('not-found', 'This port is closed already.');
    this.#entries.delete(id);
    entry.end.abort(new HayloftError('cancelled', 'The port was closed.'));
    for (const socket of entry.sockets) socket.destroy();
    entry.server.close();
    this.topic.remove(id);
  }

  closeAll(): void {
    for (const id of this.#entries.keys()) this.close(id);
  }

  async #carry(id: string, entry: Entry, socket: Socket): Promise<void> {
    const forward = this.topic.get(id);
    if (!forward) return void socket.destroy();
    // What fails is told by the pipeline below.
    socket.on('error', () => undefined);
    entry.sockets.add(socket);
    this.#count(id, 1);
    let error: HayloftError | undefined;
    try {
      error = await this.#join(forward, socket, entry.end.signal);
    } catch (problem) {
      error = asHayloftError(problem);
    }
    socket.destroy();
    entry.sockets.delete(socket);
    this.#count(id, -1, error?.code === 'cancelled' ? undefined : error);
  }

  /** @returns what is wrong with a guest that ended the connection without a word; undefined when all went well */
  async #join({ machine, port }: PortForward, socket: Socket, signal: AbortSignal): Promise<HayloftError | undefined> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort(new HayloftError('cancelled', 'The connection was closed.')));
    const tunnel = await openTunnel(this.#clusters, machine, port, AbortSignal.any([signal, gone.signal]));
    let answered = 0;
    tunnel.on('data', (bytes: Buffer) => (answered += bytes.length));
    const client = { left: false };
    socket.once('end', () => (client.left = true));
    // Either side's end ends the other; a connection that breaks is an everyday thing and nobody's error.
    await Promise.allSettled([pipeline(socket, tunnel), pipeline(tunnel, socket)]);
    return answered === 0 && !client.left && !signal.aborted && socket.bytesRead === 0 ? nobodyThere(machine.name, port) : undefined;
  }

  #count(id: string, more: 1 | -1, error?: HayloftError): void {
    const forward = this.topic.get(id);
    if (!forward) return;
    const { error: before, ...rest } = forward;
    const told = more === 1 ? before : error?.toData();
    this.topic.put({
      ...rest,
      connections: forward.connections + more,
      total: forward.total + (more === 1 ? 1 : 0),
      ...(told === undefined ? {} : { error: told }),
    });
  }
}

async function listen(server: Server, port = 0): Promise<void> {
  server.listen(port, loopback);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new HayloftError('port-taken', `Port ${port} of this computer is in use.`, { hint: 'Choose another one, or leave it open.', field: 'localPort', cause });
    }
    if (code === 'EACCES') {
      throw new HayloftError('forbidden', `Ports below 1024 are the system’s.`, { hint: 'Choose a higher one, or leave it open.', field: 'localPort', cause });
    }
    throw cause;
  }
}
