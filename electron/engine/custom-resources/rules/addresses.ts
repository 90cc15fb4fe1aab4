/** Addresses and networks in rules. Source: Kubernetes' CEL libraries for IP and CIDR (kubernetes.io, "Common Expression Language in Kubernetes"). */
import type { Environment } from '@marcbachmann/cel-js';
import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';

class Ip {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

class Cidr {
  readonly ip: Ip;
  readonly length: number;
  constructor(ip: Ip, length: number) {
    this.ip = ip;
    this.length = length;
  }
  toString(): string {
    return `${this.ip.text}/${this.length}`;
  }
}

/** What `ip` is in `ip.isCanonical(…)`. */
class IpFunctions {
  readonly is = 'ip';
}

const familyOf = ({ text }: Ip): 'ipv4' | 'ipv6' => (isIPv4(text) ? 'ipv4' : 'ipv6');
/** As the system writes it: IPv6 in lower case, with its longest run of zeros left out. */
const canonical = (text: string): string => new SocketAddress({ address: text, family: isIPv4(text) ? 'ipv4' : 'ipv6' }).address;
/** Zones are the host's own, and IPv4 inside IPv6 has two names: Kubernetes takes neither. */
const isAddress = (text: string): boolean => isIP(text) !== 0 && !text.includes('%') && !/^::ffff:\d+\./i.test(text);

function parseIp(text: string): Ip {
  if (!isAddress(text)) throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return new Ip(canonical(text));
}

function cidrOf(text: string): Cidr | undefined {
  const [, address = '', length = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  if (!isAddress(address) || Number(length) > (isIPv4(address) ? 32 : 128)) return undefined;
  return new Cidr(new Ip(canonical(address)), Number(length));
}

function parseCidr(text: string): Cidr {
  const cidr = cidrOf(text);
  if (!cidr) throw new Error(`network address parse error during conversion from string: ${JSON.stringify(text)}`);
  return cidr;
}

function contains({ ip, length }: Cidr, other: Ip): boolean {
  if (familyOf(ip) !== familyOf(other)) return false;
  const list = new BlockList();
  list.addSubnet(ip.text, length, familyOf(ip));
  return list.check(other.text, familyOf(other));
}

/** The network itself: what is beyond its length is zero. */
function masked({ ip, length }: Cidr): Cidr {
  const isShort = isIPv4(ip.text);
  const bits = isShort ? 32 : 128;
  const size = BigInt(bits - length);
  const network = (numberOf(ip.text) >> size) << size;
  const digits = network.toString(16).padStart(bits / 4, '0');
  const text = isShort ? (digits.match(/../g) ?? []).map((byte) => parseInt(byte, 16)).join('.') : (digits.match(/..../g) ?? []).join(':');
  return new Cidr(new Ip(canonical(text)), length);
}

/** An address as a number. */
function numberOf(text: string): bigint {
  if (isIPv4(text)) return BigInt(`0x${text.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0')).join('')}`);
  // IPv6 may end in the manner of IPv4.
  const [, front = text, last] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  const tail = last === undefined ? '' : numberOf(last).toString(16).padStart(8, '0').replace(/^(....)/, '$1:');
  const [head = '', rest] = `${front}${tail}`.split('::');
  const groups = (part: string | undefined): string[] => (part ?? '').split(':').filter((group) => group !== '');
  const [before, after] = [groups(head), groups(rest)];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return BigInt(`0x${[...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('')}`);
}

const isWithin = (ip: Ip, ...networks: string[]): boolean => networks.some((network) => contains(parseCidr(network), ip));
const isLoopback = (ip: Ip): boolean => isWithin(ip, '127.0.0.0/8', '::1/128');
const isUnspecified = (ip: Ip): boolean => isWithin(ip, '0.0.0.0/32', '::/128');
const isLinkLocal = (ip: Ip): boolean => isWithin(ip, '169.254.0.0/16', 'fe80::/10');
const isMulticast = (ip: Ip): boolean => isWithin(ip, '224.0.0.0/4', 'ff00::/8');

export function addAddresses(env: Environment): void {
  env.registerType('net.IP', { ctor: Ip, fields: {} });
  env.registerType('net.CIDR', { ctor: Cidr, fields: {} });
  env.registerFunction('isIP(string): bool', isAddress);
  env.registerFunction('ip(string): net.IP', parseIp);
  env.registerType('net.IPFunctions', { ctor: IpFunctions, fields: {} });
  env.registerConstant('ip', 'net.IPFunctions', new IpFunctions());
  env.registerFunction('net.IPFunctions.isCanonical(string): bool', (_: IpFunctions, text: string) => parseIp(text).text === text);
  env.registerFunction('string(net.IP): string', (ip: Ip) => ip.text);
  env.registerFunction('net.IP.family(): int', ({ text }: Ip) => BigInt(isIP(text)));
  env.registerFunction('net.IP.isLoopback(): bool', isLoopback);
  env.registerFunction('net.IP.isUnspecified(): bool', isUnspecified);
  env.registerFunction('net.IP.isLinkLocalUnicast(): bool', isLinkLocal);
  env.registerFunction('net.IP.isLinkLocalMulticast(): bool', (ip: Ip) => isWithin(ip, '224.0.0.0/24', 'ff02::/16'));
  env.registerFunction('net.IP.isGlobalUnicast(): bool', (ip: Ip) => !isLoopback(ip) && !isUnspecified(ip) && !isLinkLocal(ip) && !isMulticast(ip) && ip.text !== '255.255.255.255');
  env.registerFunction('isCIDR(string): bool', (text: string) => cidrOf(text) !== undefined);
  env.registerFunction('cidr(string): net.CIDR', parseCidr);
  env.registerFunction('string(net.CIDR): string', String);
  env.registerFunction('net.CIDR.ip(): net.IP', ({ ip }: Cidr) => ip);
  env.registerFunction('net.CIDR.prefixLength(): int', ({ length }: Cidr) => BigInt(length));
  env.registerFunction('net.CIDR.masked(): net.CIDR', masked);
  env.registerFunction('net.CIDR.containsIP(net.IP): bool', contains);
  env.registerFunction('net.CIDR.containsIP(string): bool', (cidr: Cidr, text: string) => contains(cidr, parseIp(text)));
  const holds = (cidr: Cidr, other: Cidr): boolean => other.length >= cidr.length && contains(cidr, other.ip);
  env.registerFunction('net.CIDR.containsCIDR(net.CIDR): bool', holds);
  env.registerFunction('net.CIDR.containsCIDR(string): bool', (cidr: Cidr, text: string) => holds(cidr, parseCidr(text)));
}
