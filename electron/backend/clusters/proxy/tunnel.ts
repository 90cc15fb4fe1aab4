/** A TCP connection to somewhere through a proxy: HTTP's CONNECT (RFC 9110, 9.3.6) or SOCKS 5 (RFC 1928 and 1929). */
import { isIP, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { HayloftError } from '#shared/contract/errors.ts';

export interface Destination {
  host: string;
  port: number;
}

const defaultPorts: Record<string, number> = { 'http:': 80, 'https:': 443, 'socks5:': 1080, 'socks5h:': 1080 };
const patienceMs = 10_000;
/** An HTTP head that is longer is none. */
const longestHead = 16 * 1024;

const socks = { version: 5, noAuthentication: 0, password: 2, connect: 1, ipv4: 1, name: 3, ipv6: 4, done: 0 };
/** RFC 1928, 6. */
const socksReplies: Record<number, string> = {
  2: 'its rules forbid it',
  3: 'the network cannot be reached',
  4: 'the host cannot be reached',
  5: 'the connection was refused',
};

/**
 * @param proxy its address, with the user's name and password where it asks for them
 * @returns the connection, as if it led to `to` directly
 * @throws HayloftError that names the proxy, and says what it has against it
 */
export async function openTunnel(proxy: string, to: Destination): Promise<Socket> {
  const url = new URL(proxy);
  const socket = await reach(url);
  const reader = new Reader(socket);
  const late = setTimeout(() => socket.destroy(new HayloftError('timeout', `The proxy ${url.host} did not answer in time.`, { retryable: true })), patienceMs);
  try {
    await (url.protocol.startsWith('socks') ? askSocks(socket, reader, url, to) : askHttp(socket, reader, url, to));
    reader.release();
    return socket;
  } catch (error) {
    socket.destroy();
    throw error instanceof HayloftError ? error : unreachable(url, error);
  } finally {
    clearTimeout(late);
  }
}

function reach(url: URL): Promise<Socket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || defaultPorts[url.protocol]);
  return new Promise((resolve, reject) => {
    const tls = url.protocol === 'https:';
    const socket = tls ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }) }) : connectTcp({ host, port, noDelay: true });
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer in time')));
    const failed = (error: Error): void => reject(unreachable(url, error));
    socket.once('error', failed);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

function unreachable(url: URL, error: unknown): HayloftError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new HayloftError('unreachable', `The proxy ${url.host} cannot be reached (${code ?? message}).`, {
    hint: 'Check the proxy in the kubeconfig (proxy-url) or in the environment (HTTPS_PROXY).',
    retryable: true,
    cause: error,
  });
}

function refused(url: URL, why: string): HayloftError {
  return new HayloftError('unreachable', `The proxy ${url.host} does not lead to the cluster: ${why}.`, {
    hint: 'Ask whoever runs the proxy, or put the cluster into NO_PROXY if it can be reached directly.',
    retryable: true,
  });
}

function wantsPassword(url: URL): HayloftError {
  return new HayloftError('unreachable', `The proxy ${url.host} wants a user name and a password.`, {
    hint: 'Put them into the proxy’s address: http://user:password@proxy:3128.',
  });
}

const userOf = (url: URL): { name: string; password: string } | undefined =>
  url.username === '' ? undefined : { name: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };

async function askHttp(socket: Socket, reader: Reader, url: URL, { host, port }: Destination): Promise<void> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const user = userOf(url);
  const key = user && Buffer.from(`${user.name}:${user.password}`).toString('base64');
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${key === undefined ? '' : `Proxy-Authorization: Basic ${key}\r\n`}\r\n`);
  const head = await reader.until('\r\n\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
  if (status === 407) throw wantsPassword(url);
  if (!(status >= 200 && status < 300)) throw refused(url, Number.isNaN(status) ? 'what answers there is no HTTP proxy' : `it answered with HTTP status ${status}`);
}

async function askSocks(socket: Socket, reader: Reader, url: URL, { host, port }: Destination): Promise<void> {
  const user = userOf(url);
  socket.write(Buffer.from(user ? [socks.version, 2, socks.noAuthentication, socks.password] : [socks.version, 1, socks.noAuthentication]));
  const [version, method] = await reader.take(2);
  if (version !== socks.version) throw refused(url, 'what answers there is no SOCKS proxy');
  if (method === socks.password && user) {
    const [name, password] = [Buffer.from(user.name), Buffer.from(user.password)];
    socket.write(Buffer.concat([Buffer.from([1, name.length]), name, Buffer.from([password.length]), password]));
    const [, result] = await reader.take(2);
    if (result !== socks.done) throw wantsPassword(url);
  } else if (method !== socks.noAuthentication) {
    throw wantsPassword(url);
  }
  // A name is left to the proxy to look up: it may be known there alone.
  const name = Buffer.from(host);
  const address = isIP(host) === 4 ? Buffer.from([socks.ipv4, ...host.split('.').map(Number)]) : Buffer.concat([Buffer.from([socks.name, name.length]), name]);
  socket.write(Buffer.concat([Buffer.from([socks.version, socks.connect, 0]), address, Buffer.from([port >> 8, port & 0xff])]));
  const [, reply = 1, , kind] = await reader.take(4);
  if (reply !== socks.done) throw refused(url, socksReplies[reply] ?? `SOCKS error ${reply}`);
  // Where the proxy itself is bound to, which nobody needs to know.
  const length = kind === socks.ipv4 ? 4 : kind === socks.ipv6 ? 16 : ((await reader.take(1))[0] ?? 0);
  await reader.take(length + 2);
}

/** Reads exactly what is asked for; what came beyond it is the destination's. */
class Reader {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#data);
    socket.on('error', this.#fail);
    socket.on('close', this.#end);
  }

  async take(count: number): Promise<Buffer> {
    await this.#have(() => this.#bytes.length >= count);
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  async until(mark: string): Promise<string> {
    await this.#have(() => this.#bytes.includes(mark) || this.#bytes.length > longestHead);
    return (await this.take(Math.max(0, this.#bytes.indexOf(mark)) + mark.length)).toString('latin1');
  }

  /** Gives the socket back, with what was not read. */
  release(): void {
    this.#socket.off('data', this.#data).off('error', this.#fail).off('close', this.#end).pause();
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
  }

  readonly #data = (chunk: Buffer): void => {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    this.#wake();
  };

  readonly #fail = (error: Error): void => {
    this.#failure ??= error;
    this.#wake();
  };

  readonly #end = (): void => this.#fail(new Error('it closed the connection'));

  async #have(enough: () => boolean): Promise<void> {
    while (!enough()) {
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
