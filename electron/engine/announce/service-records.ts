/** What the engine says of itself on the network. Source: RFC 6763 (DNS-based service discovery). */
import { isIP } from 'node:net';
import { asLabel, nameBytes, types, type DnsRecord } from './dns-message.ts';

export const serviceType = '_hayloft._tcp.local';
const enumeration = '_services._dns-sd._udp.local';

export interface Announced {
  /** Of this computer. */
  host: string;
  port: number;
  /** Told to everybody: never a secret. */
  text: Readonly<Record<string, string>>;
}

/** Seconds, as RFC 6762 recommends: what hangs on addresses, and the rest. */
const shortTtl = 120;
const longTtl = 4500;

export interface ServiceNames {
  instance: string;
  host: string;
}

/**
 * @param attempt 1 for the plain names; more after somebody else turned out to have them
 * @returns a host name of the engine's own: `HOST.local` belongs to the system's own responder, if it has one
 */
export function namesFor(host: string, attempt: number): ServiceNames {
  const short = (host.split('.')[0] ?? '').slice(0, 40) || 'hayloft';
  return {
    instance: `${asLabel(attempt === 1 ? short : `${short} (${attempt})`)}.${serviceType}`,
    host: `${mdnsHostOf(short)}${attempt === 1 ? '' : `-${attempt}`}.local`,
  };
}

/** The label by which this computer's engine is found: without a responder of the system's, too. */
const mdnsHostOf = (short: string): string => `${short.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')}-hayloft`;

/** Those that must be nobody else's, and what is asked for them before they are used. */
export function uniqueRecords({ port, text }: Announced, names: ServiceNames, addresses: readonly string[]): DnsRecord[] {
  const srv = Buffer.alloc(6);
  srv.writeUInt16BE(port, 4);
  return [
    { name: names.instance, type: types.SRV, ttl: shortTtl, unique: true, data: Buffer.concat([srv, nameBytes(names.host)]) },
    { name: names.instance, type: types.TXT, ttl: longTtl, unique: true, data: textBytes(text) },
    ...addresses.map((address) => ({
      ...{ name: names.host, ttl: shortTtl, unique: true },
      ...(isIP(address) === 6 ? { type: types.AAAA, data: ipv6Bytes(address) } : { type: types.A, data: Buffer.from(address.split('.').map(Number)) }),
    })),
  ];
}

export const sharedRecords = (names: ServiceNames): DnsRecord[] => [
  { name: serviceType, type: types.PTR, ttl: longTtl, data: nameBytes(names.instance) },
  { name: enumeration, type: types.PTR, ttl: longTtl, data: nameBytes(serviceType) },
];

function textBytes(text: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(text).map(([key, value]) => Buffer.from(`${key}=${value}`).subarray(0, 255));
  return entries.length === 0 ? Buffer.from([0]) : Buffer.concat(entries.flatMap((entry) => [Buffer.from([entry.length]), entry]));
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const groups = (part: string | undefined): string[] => (part === undefined || part === '' ? [] : part.split(':'));
  const [front, back] = [groups(head), groups(tail)];
  const all = [...front, ...Array<string>(8 - front.length - back.length).fill('0'), ...back];
  return Buffer.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}
