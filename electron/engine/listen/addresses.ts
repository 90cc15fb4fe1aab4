/** Where the engine is told to listen, and what it is reached by from there. */
import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { HayloftError } from '#shared/contract/hayloft-error.ts';

export const loopback = '127.0.0.1';
export const wildcards = ['0.0.0.0', '::'];

/**
 * Reads `--listen`: addresses with commas between them, `lan` for all that this computer has, `loopback` for none.
 * @returns addresses beside the loopback one; empty: this computer only
 * @throws HayloftError `bad-input`
 */
export function parseListen(text: string): string[] {
  const words = text.split(',').map((word) => word.trim()).filter((word) => word !== '');
  if (words.length === 0) throw refused(text);
  const addresses = words.flatMap((word) => {
    if (word === 'lan') return wildcards;
    if (word === 'loopback' || word === 'localhost' || word === '::1' || word.startsWith('127.')) return [];
    const bare = word.replace(/^\[(.*)\]$/, '$1');
    if (isIP(bare) === 0) throw refused(word);
    return [bare];
  });
  return [...new Set(addresses)];
}

const refused = (word: string): HayloftError =>
  new HayloftError('bad-input', `"${word}" is no address to listen on.`, {
    hint: 'Give addresses of this computer with commas between them, "lan" for all of them, or "loopback" for none.',
    field: 'listen',
  });

/** What a certificate has to say, so that every client finds the name that it came by. */
export interface ServerNames {
  dns: string[];
  ip: string[];
}

/**
 * @param listen as from {@link parseListen}
 * @param host this computer's name
 */
export function serverNames(listen: readonly string[], host = hostname(), own = ownAddresses()): ServerNames {
  const name = host.toLowerCase();
  const onLan = listen.length > 0;
  const mdns = onLan && !name.includes('.') ? [`${name}.local`] : [];
  const dns = ['localhost', name, ...mdns].filter((word) => /^[a-z0-9.-]{1,253}$/.test(word));
  return { dns: [...new Set(dns)], ip: [loopback, '::1', ...reachableBy(listen, own)] };
}

/** Addresses of this computer by which others reach an engine that listens there. */
export function reachableBy(listen: readonly string[], own = ownAddresses()): string[] {
  const all = own.filter((address) => listen.includes(isIP(address) === 6 ? '::' : '0.0.0.0'));
  return [...new Set([...all, ...listen.filter((address) => !wildcards.includes(address))])];
}

/** All but loopback and link-local ones, which mean something else on every computer. */
export function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({ address }) => address);
}

/**
 * The address that others are to be told: the one that this computer's own way out begins at, so no bridge of containers or
 * guests.
 * @returns undefined when nobody else can reach it
 */
export async function publicAddress(listen: readonly string[]): Promise<string | undefined> {
  const candidates = reachableBy(listen);
  const way = await wayOut();
  return candidates.find((address) => address === way) ?? candidates[0];
}

/** Asks the system which address it would send from. Nothing is sent: the address is one of RFC 5737, for documents. */
function wayOut(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (address: string | undefined): void => {
      socket.close();
      resolve(address);
    };
    socket.on('error', () => end(undefined));
    socket.connect(9, '192.0.2.1', () => end(socket.address().address));
  });
}

/** `https://HOST:PORT` */
export const urlOf = (address: string, port: number): string => `https://${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
