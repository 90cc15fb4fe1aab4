/** Which proxy leads to a server: the kubeconfig's own, or the one that the environment names, by the rules of kubectl. */
import { BlockList, isIP } from 'node:net';
import { HayloftError } from '#shared/contract/errors.ts';

const schemes = new Set(['http:', 'https:', 'socks5:', 'socks5h:']);
const httpsPort = '443';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param server absolute address of what is to be reached
 * @param own the kubeconfig's `proxy-url`: it counts whatever the environment says, as in client-go
 * @returns the proxy's address; undefined: the server is reached directly
 * @throws HayloftError `bad-input` or `unsupported`
 */
export function proxyFor(server: string, own: string | undefined, env: Environment = process.env): string | undefined {
  if (own !== undefined && own !== '') return checked(own, 'The kubeconfig’s proxy-url');
  const named = env['HTTPS_PROXY'] || env['https_proxy'];
  if (!named || isSpared(new URL(server), env['NO_PROXY'] || env['no_proxy'] || '')) return undefined;
  return checked(named, 'The environment variable HTTPS_PROXY');
}

function checked(text: string, origin: string): string {
  const full = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(full)) throw new HayloftError('bad-input', `${origin} is no address of a proxy.`, { hint: 'It looks like http://proxy.example:3128.' });
  const { protocol } = new URL(full);
  if (schemes.has(protocol)) return full;
  throw new HayloftError('unsupported', `${origin} names a proxy of a kind that Hayloft does not know (${protocol.slice(0, -1)}).`, {
    hint: 'Use a proxy that is reached by http, https or socks5.',
  });
}

/** Go's `httpproxy`: this computer never, then the list of names, networks and ports. */
function isSpared({ hostname, port }: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || isLoopback(host)) return true;
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && matches(entry, host, port || httpsPort));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const [, network, bits] = /^([\da-f.:]+)\/(\d+)$/.exec(entry) ?? [];
  if (network !== undefined && isIP(network)) return isIP(host) === isIP(network) && inNetwork(network, Number(bits), host);
  const [, name = entry, itsPort] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  if (itsPort !== undefined && itsPort !== port) return false;
  const bare = name.replace(/^\[|\]$/g, '').replace(/^\*(?=\.)/, '');
  return bare.startsWith('.') ? host.endsWith(bare) : host === bare || (isIP(host) === 0 && host.endsWith(`.${bare}`));
}

function inNetwork(network: string, bits: number, host: string): boolean {
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  if (bits > (family === 'ipv6' ? 128 : 32)) return false;
  const block = new BlockList();
  block.addSubnet(network, bits, family);
  return block.check(host, family);
}

const isLoopback = (host: string): boolean => host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
