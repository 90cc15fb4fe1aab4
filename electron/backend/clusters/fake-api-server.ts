/** A stand-in for a Kubernetes API server, for tests: lists, watches with bookmarks, and misbehaves when told to. */
import 'reflect-metadata';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import type { KubeObject, WatchEvent } from '#shared/kube/object.ts';
import type { Access } from './access.ts';

export interface FakeRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: unknown;
}

export interface FakeAnswer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

interface Watcher {
  path: string;
  response: ServerResponse;
}

const firstToken = 'fake-token';

export class FakeApiServer {
  /** What was asked, as `GET /path`, watches as `WATCH /path`. */
  readonly requests: string[] = [];
  readonly access: Access;
  /** The one that is taken. */
  token = firstToken;
  /** Tried before anything else; answers what it does not return undefined for. */
  answer: (request: FakeRequest) => FakeAnswer | undefined = () => undefined;
  readonly #server: Server;
  readonly #lists = new Map<string, Map<string, KubeObject>>();
  readonly #log: { path: string; revision: number; event: WatchEvent }[] = [];
  readonly #watchers = new Set<Watcher>();
  #revision = 100;
  #oldest = 0;

  private constructor(server: Server, ca: string) {
    this.#server = server;
    this.access = { server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, ca, token: firstToken };
    server.on('request', (request, response) => void this.#serve(request, response));
  }

  static async start(port = 0, identity = selfSigned()): Promise<FakeApiServer> {
    const { key, cert } = await identity;
    const server = createServer({ key, cert });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new FakeApiServer(server, cert);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get server(): Server {
    return this.#server;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Creates or changes an object of the list at `path`, and tells the watchers. */
  put(path: string, object: KubeObject): void {
    const list = this.#list(path);
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`;
    const type = list.has(key) ? 'MODIFIED' : 'ADDED';
    const stored = this.#stamp(object);
    list.set(key, stored);
    this.#tell(path, { type, object: stored });
  }

  remove(path: string, namespace: string, name: string): void {
    const list = this.#list(path);
    const object = list.get(`${namespace}/${name}`);
    if (!object) throw new Error(`There is no ${name} to remove`);
    list.delete(`${namespace}/${name}`);
    this.#tell(path, { type: 'DELETED', object: this.#stamp(object) });
  }

  /** Says nothing but that time has passed. */
  bookmark(path: string, revision: number): void {
    this.#revision = revision;
    this.#send(path, { type: 'BOOKMARK', object: { apiVersion: 'v1', kind: 'X', metadata: { resourceVersion: String(revision) } } });
  }

  /** Sends bytes as they are to the watchers. */
  write(path: string, bytes: string | Uint8Array): void {
    for (const watcher of this.#watchers) if (watcher.path === path) watcher.response.write(bytes);
  }

  /** Ends all watches: politely, or by cutting the line. */
  endWatches(how: 'end' | 'cut'): void {
    for (const { response } of this.#watchers) {
      if (how === 'end') response.end();
      else response.socket?.destroy();
    }
    this.#watchers.clear();
  }

  /** Forgets the past: whoever wants to go on from before is told 410. With `now`, running watches are told, too. */
  forget(how?: 'now'): void {
    this.#revision += 1;
    this.#oldest = this.#revision;
    if (how !== 'now') return;
    for (const watcher of this.#watchers) watcher.response.end(`${JSON.stringify({ type: 'ERROR', object: expired })}\n`);
    this.#watchers.clear();
  }

  /** Ends everything, as a crash would. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.access.server);
    const watch = url.searchParams.get('watch') === 'true';
    const body = await text(incoming).catch(() => '');
    const request: FakeRequest = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body: body === '' ? undefined : tryJson(body),
    };
    this.requests.push(`${watch ? 'WATCH' : request.method} ${url.pathname}`);
    const given = this.answer(request);
    if (given) reply(response, given.status, given.body, given.headers);
    else if (incoming.headers.authorization !== `Bearer ${this.token}`) reply(response, 401, failure(401, 'Unauthorized', 'Unauthorized'));
    else if (url.pathname === '/version') reply(response, 200, { gitVersion: 'v1.34.0-fake' });
    else if (url.pathname === '/apis') reply(response, 200, { kind: 'APIGroupList', groups: [{ name: 'kubevirt.io' }] });
    else if (watch) this.#watch(url, response);
    else if (Number(url.searchParams.get('continue') ?? Infinity) < this.#oldest) reply(response, 410, expired);
    else reply(response, 200, this.#listAnswer(url));
  }

  #watch(url: URL, response: ServerResponse): void {
    const from = Number(url.searchParams.get('resourceVersion'));
    if (from < this.#oldest) {
      reply(response, 410, expired);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const watcher = { path: url.pathname, response };
    for (const { path, revision, event } of this.#log) {
      if (path === url.pathname && revision > from) response.write(`${JSON.stringify(event)}\n`);
    }
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
  }

  #listAnswer({ pathname, searchParams }: URL): object {
    const all = [...this.#list(pathname).values()];
    // What a page ends with is the revision of the list, and how many came before.
    const [revision = '', from = '0'] = (searchParams.get('continue') ?? `${this.#revision}.0`).split('.');
    const to = Number(from) + Number(searchParams.get('limit') ?? all.length);
    return {
      apiVersion: 'v1',
      kind: 'List',
      metadata: { resourceVersion: revision, ...(to < all.length ? { continue: `${revision}.${to}` } : {}) },
      items: all.slice(Number(from), to),
    };
  }

  #list(path: string): Map<string, KubeObject> {
    const known = this.#lists.get(path) ?? new Map<string, KubeObject>();
    this.#lists.set(path, known);
    return known;
  }

  #stamp(object: KubeObject): KubeObject {
    this.#revision += 1;
    return { ...object, metadata: { uid: `uid-${object.metadata.name ?? ''}`, ...object.metadata, resourceVersion: String(this.#revision) } };
  }

  #tell(path: string, event: WatchEvent): void {
    this.#log.push({ path, revision: this.#revision, event });
    this.#send(path, event);
  }

  #send(path: string, event: WatchEvent): void {
    this.write(path, `${JSON.stringify(event)}\n`);
  }
}

/** A `metav1.Status` as servers send it. */
export function failure(code: number, reason: string, message: string, causes?: object[]): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message, ...(causes ? { details: { causes } } : {}) };
}

const expired = failure(410, 'Expired', 'too old resource version');

/** @param body a text is sent as it is */
function reply(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
}

function tryJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** A key and a certificate, for 127.0.0.1 and valid today unless told otherwise. */
export async function selfSigned(options: { notBefore?: Date; notAfter?: Date; address?: string; names?: readonly string[] } = {}): Promise<{ key: string; cert: string }> {
  const { address = '127.0.0.1', names = [], ...validity } = options;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=fake-api-server',
    keys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new BasicConstraintsExtension(true),
      new SubjectAlternativeNameExtension([{ type: 'ip', value: address }, ...names.map((value) => ({ type: 'dns' as const, value }))]),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`, cert: certificate.toString('pem') };
}
