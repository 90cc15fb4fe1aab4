/**
 * Stands between a client and a real API server, and does to their talk what networks and overloaded servers do.
 * Two layers: raw TCP, where connections are slow, cut, or silently lead nowhere; and HTTP inside of TLS of its own,
 * where answers are refused, cut off, or come with other codes.
 */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer as createTlsServer, request as httpsRequest, type Server as TlsServer } from 'node:https';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { failure, selfSigned } from '../../electron/backend/clusters/fake-api-server.ts';

/** What becomes of one request. */
export type Fault =
  | { kind: 'answer'; status: number; headers?: Record<string, string> }
  /** The answer's body ends early: politely, as if it were whole, or with the connection. */
  | { kind: 'truncate'; after: number; how: 'end' | 'cut' }
  /** The connection ends before anything was answered. */
  | { kind: 'reset' }
  /** Nothing is ever answered. */
  | { kind: 'hang' };

export interface ProxiedRequest {
  method: string;
  path: string;
  query: URLSearchParams;
}

export interface FaultTarget {
  endpoint: string;
  ca: string;
  token: string;
}

interface Pair {
  near: Socket;
  far: Socket;
  frozen: boolean;
}

const reasons: Record<number, string> = { 401: 'Unauthorized', 410: 'Expired', 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable' };

export class FaultProxy {
  /** How long every byte takes each way, in milliseconds. */
  latencyMs = 0;
  /** New connections are taken, and lead nowhere; with `freeze`, a network that swallows everything. */
  swallow = false;
  /** Decides about each request; undefined: it goes through. */
  fault: (request: ProxiedRequest) => Fault | undefined = () => undefined;
  /** The one token that is taken. */
  token = 'token-1';
  readonly ca: string;
  readonly #target: FaultTarget;
  readonly #agent: Agent;
  readonly #front: Server;
  readonly #inner: TlsServer;
  readonly #pairs = new Set<Pair>();
  #port = 0;

  private constructor(target: FaultTarget, identity: { key: string; cert: string }) {
    this.#target = target;
    this.ca = identity.cert;
    this.#agent = new Agent({ keepAlive: true, ca: target.ca });
    this.#inner = createTlsServer(identity, (request, response) => this.#serve(request, response));
    this.#inner.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
    this.#front = createServer({ allowHalfOpen: false, noDelay: true }, (socket) => this.#accept(socket));
  }

  static async start(target: FaultTarget): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, await selfSigned());
    proxy.#inner.listen(0, '127.0.0.1');
    await once(proxy.#inner, 'listening');
    await proxy.listen();
    return proxy;
  }

  get endpoint(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** A kubeconfig that leads through the proxy. @param user credentials; default: the token as it is now */
  kubeconfig(user: Record<string, unknown> = { token: this.token }): string {
    return stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'faulty',
      clusters: [{ name: 'faulty', cluster: { server: this.endpoint, 'certificate-authority-data': Buffer.from(this.ca).toString('base64') } }],
      users: [{ name: 'faulty', user }],
      contexts: [{ name: 'faulty', context: { cluster: 'faulty', user: 'faulty' } }],
    });
  }

  /** Listens, on the port of before. */
  async listen(): Promise<void> {
    if (this.#front.listening) return;
    this.#front.listen(this.#port, '127.0.0.1');
    await once(this.#front, 'listening');
    this.#port = (this.#front.address() as AddressInfo).port;
  }

  /** Refuses new connections, as a computer does on which nothing listens any more. Those open stay. */
  async refuse(): Promise<void> {
    if (!this.#front.listening) return;
    this.#front.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Ends open connections, with a reset or a goodbye. @param chosen which; default: all */
  cut(how: 'reset' | 'end' = 'reset', chosen: () => boolean = () => true): void {
    for (const pair of [...this.#pairs].filter(chosen)) {
      if (how === 'reset') pair.near.resetAndDestroy();
      else pair.near.end();
      pair.far.destroy();
      this.#pairs.delete(pair);
    }
  }

  /** From now on nothing goes over the connections that are open, and nobody is told: a router forgot them. */
  freeze(): void {
    for (const pair of this.#pairs) {
      pair.frozen = true;
      pair.far.destroy();
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.#agent.destroy();
    this.#inner.closeAllConnections();
    this.#inner.close();
    if (this.#front.listening) await new Promise((resolve) => this.#front.close(resolve));
  }

  #accept(near: Socket): void {
    near.on('error', () => near.destroy());
    const far = connect({ port: (this.#inner.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
    far.on('error', () => far.destroy());
    const pair = { near, far, frozen: this.swallow };
    this.#pairs.add(pair);
    near.on('close', () => {
      this.#pairs.delete(pair);
      far.destroy();
    });
    if (this.swallow) far.destroy();
    this.#carry(pair, near, far);
    this.#carry(pair, far, near);
  }

  /** Passes bytes and the end on after the latency, in order. */
  #carry(pair: Pair, from: Socket, to: Socket): void {
    let before: Promise<void> = Promise.resolve();
    const later = (act: () => void): void => {
      const due = performance.now() + this.latencyMs;
      before = before.then(() => delay(Math.max(0, due - performance.now()))).then(() => {
        if (!pair.frozen && !to.destroyed) act();
      });
    };
    from.on('data', (chunk: Buffer) => {
      if (pair.frozen) return;
      const pass = (): void => {
        if (to.write(chunk)) return;
        from.pause();
        to.once('drain', () => from.resume());
      };
      if (this.latencyMs === 0) pass();
      else later(pass);
    });
    from.on('close', () => later(() => to.end()));
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.endpoint);
    const known = request.headers.authorization === `Bearer ${this.token}`;
    const fault = known
      ? this.fault({ method: request.method ?? '', path: url.pathname, query: url.searchParams })
      : ({ kind: 'answer', status: 401 } satisfies Fault);
    if (fault?.kind === 'answer') {
      request.resume();
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(JSON.stringify(failure(fault.status, reasons[fault.status] ?? 'InternalError', 'The fault proxy says no.')));
    } else if (fault?.kind === 'reset') {
      response.socket?.destroy();
    } else if (fault?.kind !== 'hang') {
      this.#forward(request, response, fault);
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse, fault: Extract<Fault, { kind: 'truncate' }> | undefined): void {
    const { endpoint } = this.#target;
    const upstream = httpsRequest(`${endpoint}${request.url ?? '/'}`, { method: request.method, agent: this.#agent, headers: this.#headers(request.headers) });
    const give = (): void => void response.socket?.destroy();
    upstream.on('error', give);
    response.on('close', () => upstream.destroy());
    upstream.on('response', (answer) => {
      const headers = { ...answer.headers };
      if (fault) delete headers['content-length'];
      response.writeHead(answer.statusCode ?? 502, headers);
      response.flushHeaders();
      if (!fault) {
        answer.on('error', give);
        answer.pipe(response);
        return;
      }
      let left = fault.after;
      answer.on('data', (chunk: Buffer) => {
        response.write(chunk.subarray(0, left));
        left -= chunk.length;
        if (left > 0) return;
        answer.destroy();
        if (fault.how === 'end') response.end();
        else give();
      });
      answer.on('end', () => response.end());
    });
    request.pipe(upstream);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const { endpoint, ca } = this.#target;
    const upstream = httpsRequest(`${endpoint}${request.url ?? '/'}`, { ca, agent: false, headers: this.#headers(request.headers) });
    upstream.on('error', () => socket.destroy());
    upstream.on('upgrade', (answer, far, first) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
      socket.write(first);
      far.write(head);
      far.on('error', () => socket.destroy());
      socket.on('error', () => far.destroy());
      far.pipe(socket).pipe(far);
    });
    upstream.on('response', (answer) => {
      socket.write(`HTTP/1.1 ${answer.statusCode ?? 502} Refused\r\nconnection: close\r\n\r\n`);
      answer.pipe(socket);
    });
    upstream.end();
  }

  #headers(headers: IncomingHttpHeaders): IncomingHttpHeaders {
    return { ...headers, host: new URL(this.#target.endpoint).host, authorization: `Bearer ${this.#target.token}` };
  }
}
