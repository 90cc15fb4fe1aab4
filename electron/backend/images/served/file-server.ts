/**
 * One file of this computer over HTTP, for a cluster that fetches it: by parts, so that what is cut off goes on in the
 * middle. Whoever does not know the secret in its path learns nothing, and it is there only while it is needed.
 */
import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { HayloftError } from '#shared/contract/errors.ts';
import { isSameFile, type FileIdentity } from '../file-identity.ts';
import type { RateLimit } from '../rate-limit.ts';

const chunkBytes = 1024 * 1024;
/** An importer fetches over one line, some over a few. */
const mostConnections = 16;
/** A line that nothing goes over is given up, and its client comes again. */
const silenceMs = 60_000;

/** Where it is, in this run of the app and the next. */
export interface ServedDoor {
  /** Of this computer in the cluster's network: nobody in another of its networks finds the door. */
  address: string;
  port: number;
  /** In the path: whoever knows it may read the file. */
  secret: string;
}

export interface FileServerOptions {
  file: FileIdentity;
  /** Where it was; a free port when it was nowhere yet. */
  door: ServedDoor;
  limit: RateLimit;
  /** Told up to where the file has been fetched, from its beginning on or from its middle. */
  fetched: (untilBytes: number) => void;
}

export class FileServer {
  readonly #server: Server;
  readonly #options: FileServerOptions;
  /** How many have asked for the file with its secret. */
  visits = 0;

  private constructor(options: FileServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#serve(request, response).catch(() => response.destroy()));
    this.#server.maxConnections = mostConnections;
    this.#server.timeout = silenceMs;
  }

  /** @throws HayloftError `port-taken`; `unreachable` when this computer has no longer the address */
  static async start(options: FileServerOptions): Promise<FileServer> {
    const server = new FileServer(options);
    const { address, port } = options.door;
    server.#server.listen(port, address);
    try {
      await once(server.#server, 'listening');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL') {
        throw new HayloftError('unreachable', `This computer has no longer the address ${address}, where the cluster fetches the file.`, {
          hint: 'Go back to that network and try again, or upload the file again.',
          cause,
        });
      }
      throw new HayloftError('port-taken', `Port ${port} of this computer, where the cluster fetches the file, is in use.`, {
        hint: 'Close what uses it, or upload the file again.',
        cause,
      });
    }
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { file, door } = this.#options;
    const [, secret = ''] = /^\/([^/?]+)/.exec(request.url ?? '') ?? [];
    if (!isSame(secret, door.secret)) return void response.writeHead(404).end();
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
    const found = await stat(file.path).catch(() => undefined);
    if (!found || !isSameFile(found, file)) return void response.writeHead(410).end();
    this.visits += 1;
    const etag = `"${file.inode.toString(16)}-${file.sizeBytes.toString(16)}-${Math.round(file.modifiedMs * 1000).toString(16)}"`;
    const headers = { 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream', 'cache-control': 'no-store', etag };
    const validator = request.headers['if-range'];
    const range = validator === undefined || validator === etag ? readRange(request.headers.range, file.sizeBytes) : 'all';
    if (range === 'none') return void response.writeHead(416, { ...headers, 'content-range': `bytes */${file.sizeBytes}` }).end();
    const { from, to } = range === 'all' ? { from: 0, to: file.sizeBytes } : range;
    response.writeHead(range === 'all' ? 200 : 206, {
      ...headers,
      'content-length': to - from,
      ...(range === 'all' ? {} : { 'content-range': `bytes ${from}-${to - 1}/${file.sizeBytes}` }),
    });
    if (request.method === 'HEAD' || to === from) return void response.end();
    await pipeline(this.#bytes(from, to), response);
  }

  async *#bytes(from: number, to: number): AsyncGenerator<Uint8Array> {
    const reading = createReadStream(this.#options.file.path, { start: from, end: to - 1, highWaterMark: chunkBytes });
    let at = from;
    for await (const chunk of this.#options.limit.slowed(reading as AsyncIterable<Buffer>)) {
      yield chunk;
      at += chunk.byteLength;
      this.#options.fetched(at);
    }
  }
}

/** In the same time however much of it is right. */
function isSame(secret: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(secret), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * One stretch, as RFC 9110 (14.1.2) has it; of several the whole file is given, as it allows.
 * @returns bytes from `from` to before `to`; `none` when the file has none of them
 */
export function readRange(header: string | undefined, sizeBytes: number): { from: number; to: number } | 'all' | 'none' {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return 'all';
  if (first === '') return Number(last) === 0 ? 'none' : { from: Math.max(0, sizeBytes - Number(last)), to: sizeBytes };
  const from = Number(first);
  const to = last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (last !== '' && Number(last) < from) return 'all';
  return from >= sizeBytes ? 'none' : { from, to };
}
