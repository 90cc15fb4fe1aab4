/** One network that is announced on: a socket that hears and says there, and nowhere else. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Log } from '../context.ts';
import { decodeMessage, encodeMessage, type DnsMessage } from './dns-message.ts';

const group = '224.0.0.251';
export const mdnsPort = 5353;
/** RFC 6762 wants it; receivers once dropped what had less. */
const multicastTtl = 255;

export interface LinkAddress {
  /** The interface's name. */
  name: string;
  ip4: string;
  cidr: string;
  /** All addresses of the interface. */
  addresses: string[];
}

/** Networks that there are now, each with an IPv4 address: that is what is announced over. @param only whether an address is served */
export function linksNow(only: (address: string) => boolean): LinkAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, found = []]) => {
    const usable = found.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address) && only(address));
    const ip4 = usable.find(({ family, cidr }) => family === 'IPv4' && cidr !== null);
    return ip4 ? [{ name, ip4: ip4.address, cidr: ip4.cidr ?? '', addresses: usable.map(({ address }) => address) }] : [];
  });
}

export class Link {
  readonly address: LinkAddress;
  readonly #socket: Socket;
  readonly #log: Log;

  /** @throws what the system says against it */
  static async open(address: LinkAddress, heard: (link: Link, message: DnsMessage, from: RemoteInfo) => void, log: Log): Promise<Link> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    const near = new BlockList();
    const [base = '', bits = '32'] = address.cidr.split('/');
    near.addSubnet(base, Number(bits));
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        // Bound to the group, it hears nothing that is meant for another program on this port. Windows cannot do that.
        socket.bind({ port: mdnsPort, address: process.platform === 'win32' ? '0.0.0.0' : group }, resolve);
      });
      socket.addMembership(group, address.ip4);
      socket.setMulticastInterface(address.ip4);
      socket.setMulticastTTL(multicastTtl);
    } catch (error) {
      socket.close();
      throw error;
    }
    const link = new Link(address, socket, log);
    socket.removeAllListeners('error');
    socket.on('error', (error) => log.warn('A network that is announced on failed', { network: address.name, error }));
    socket.on('message', (bytes, from) => {
      // Systems hand every socket of the group what came in on any of its networks.
      if (!near.check(from.address)) return;
      const message = decodeMessage(bytes);
      if (message) heard(link, message, from);
    });
    socket.unref();
    return link;
  }

  private constructor(address: LinkAddress, socket: Socket, log: Log) {
    this.address = address;
    this.#socket = socket;
    this.#log = log;
  }

  /** @param to who asked for an answer of its own; absent: everybody. Resolves when it is out, or cannot be. */
  send(message: Partial<DnsMessage>, to: { address: string; port: number } = { address: group, port: mdnsPort }): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.send(encodeMessage(message), to.port, to.address, (error) => {
        // A cable that was pulled: it is tried again when there is something new to say.
        if (error) this.#log.warn('An announcement could not be sent', { network: this.address.name, error });
        resolve();
      });
    });
  }

  close(): void {
    this.#socket.close();
  }
}
