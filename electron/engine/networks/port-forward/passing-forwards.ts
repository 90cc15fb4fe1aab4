/** Forwards made for one connection, on a port of the loopback that nobody else knows. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { Guest } from '../../qemu/types.ts';
import type { Protocol } from '../definitions/service.ts';
import { addForward, removeForward, type Forward } from '../user-network/forwards.ts';

const loopback = '127.0.0.1';
/** Somebody may take a port between its being found and its being used. */
const tries = 5;

export interface PassingForward {
  address: string;
  port: number;
  /** Takes it away again; connections through it go on. */
  close(): Promise<void>;
}

export class PassingForwards {
  readonly #ports = new Set<string>();

  has(uid: string, hostPort: number): boolean {
    return this.#ports.has(`${uid} ${hostPort}`);
  }

  /** @throws HayloftError as {@link addForward} does */
  async open(guest: Guest, netdev: string, protocol: Protocol, guestPort: number): Promise<PassingForward> {
    for (let attempt = 1; ; attempt++) {
      const forward: Forward = { protocol, address: loopback, hostPort: await freePort(protocol), guestPort };
      const id = `${guest.uid} ${forward.hostPort}`;
      this.#ports.add(id);
      try {
        await addForward(guest.monitor, netdev, forward);
        return { address: loopback, port: forward.hostPort, close: () => this.#close(guest, netdev, forward, id) };
      } catch (error) {
        this.#ports.delete(id);
        if (asHayloftError(error).code !== 'port-taken' || attempt === tries) throw error;
      }
    }
  }

  async #close(guest: Guest, netdev: string, forward: Forward, id: string): Promise<void> {
    if (!this.#ports.has(id)) return;
    try {
      await removeForward(guest.monitor, netdev, forward);
    } catch {
      // With the guest its forwards have ended, too.
    }
    this.#ports.delete(id);
  }
}

async function freePort(protocol: Protocol): Promise<number> {
  if (protocol === 'TCP') {
    const server = createServer().listen(0, loopback);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }
  const socket = createSocket('udp4').bind(0, loopback);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
