/** The engine's API server: TLS, the token, and every path behind them. */
import { once } from 'node:events';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import packageJson from '../../../package.json' with { type: 'json' };
import type { AccessControl, Caller } from '../access/access.ts';
import type { Audit } from '../audit/audit.ts';
import type { User } from '../access/user.ts';
import type { Log } from '../context.ts';
import type { ApiStore } from '../store/api-store.ts';
import type { EngineModule } from './definition.ts';
import { unauthorized } from './errors.ts';
import { Health } from './health.ts';
import { encode } from './http/encode.ts';
import { isLocal } from './http/local.ts';
import { headersOf, methodNotAllowed, noSuchPath, respond, statusOf, type Answer } from './http/respond.ts';
import { Routes } from './routes.ts';
import { DIRECT_HEADER } from './streams/lease.ts';
import { refuseUpgrade, Streams } from './streams/upgrades.ts';
import { pathBelow, subresourceRequest } from './verbs/subresource.ts';

export interface ApiServerOptions {
  store: ApiStore;
  modules: readonly EngineModule[];
  access: AccessControl;
  tls: { cert: string; key: string };
  log: Log;
  audit?: Audit;
}

export interface ApiServer {
  /** Takes over a socket that listens already, and speaks TLS on it. */
  listen(socket: NetServer): Promise<void>;
  /**
   * Serves the same without encryption on a unix socket, whose file must not be there yet: for clients of the same
   * user on the same computer. Resolves when it listens.
   */
  listenLocal(path: string): Promise<void>;
  /** Shows another certificate from the next handshake on. */
  showCertificate(certificate: { cert: string; key: string }): void;
  /** Answers what was asked, ends watches and streams, and closes every connection. */
  close(): Promise<void>;
}

/** Clients written in Go keep connections for 90 s; who closes first may lose a request. */
const idleConnectionMs = 120_000;
/** How long answers that are being written may take when the server closes. */
const closeWithinMs = 2_000;

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { log, access, audit } = options;
  const routes = new Routes(options.store, options.modules, packageJson.version);
  const rawRoutes = options.modules.flatMap((module) => module.raw ?? []);
  const raw = new Map(rawRoutes.map((route) => [route.path, route]));
  const prefixed = rawRoutes.filter(({ isPrefix }) => isPrefix);
  const streams = new Streams();
  let closing = false;
  const health = new Health([
    { name: 'store', run: () => options.store.check() },
    { name: 'shutdown', readiness: true, run: () => { if (closing) throw new Error('the engine stops'); } },
  ]);
  const connections = new Set<Duplex>();
  const { cert, key } = options.tls;
  // Uploads take as long as they take; who sends nothing is bounded by each handler.
  const patience = { requestTimeout: 0, keepAliveTimeout: idleConnectionMs };
  const server = createTlsServer({ cert, key, minVersion: 'TLSv1.2', ...patience });
  const local = createPlainServer(patience);
  const onConnection = (socket: Duplex): void => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  };
  server.on('secureConnection', onConnection);
  local.on('connection', onConnection);
  for (const listener of [server, local]) {
    listener.on('request', (request: IncomingMessage, response: ServerResponse) => {
      // A client that is gone is no failure, and what it leaves behind is released on 'close'.
      response.on('error', () => undefined);
      if (closing) response.setHeader('connection', 'close');
      void serve(request, response);
    });
    listener.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      void upgrade(request, socket, head);
    });
  }

  /** @throws ApiError 401, 403 */
  function admitted(caller: Caller | undefined, request: IncomingMessage, path: string, query: URLSearchParams): Caller {
    if (!caller) throw unauthorized();
    access.check(caller, request.method ?? '', path, query);
    return caller;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, query } = addressOf(request);
    let user: User | undefined;
    audit?.follow(request, response, () => user);
    try {
      const route = raw.get(path) ?? prefixed.find((candidate) => path.startsWith(candidate.path));
      if (route) {
        if (!route.methods.includes(request.method ?? '')) throw methodNotAllowed(request.method, route.methods);
        access.observe(request, response);
        await route.handle(request, response);
        return;
      }
      const caller = await access.identify(request);
      user = caller?.user;
      const healthy = health.answer(path, query);
      if (!caller && healthy) {
        respond(response, healthy);
        return;
      }
      const known = admitted(caller, request, path, query);
      response.on('close', access.track(known, () => response.destroy()));
      const answer = healthy ?? (await routes.serve({ request, response, path, query, user: known.user }));
      if (answer) respond(response, await encode(request, query, answer));
    } catch (error) {
      const status = statusOf(error, log, `${request.method ?? ''} ${path}`);
      if (response.headersSent) response.destroy();
      else respond(response, await told({ status: status.code, body: status, headers: headersOf(error) }, request, query));
    }
  }

  /** A failure in the form that was asked for, or, where that is what failed, in JSON. */
  const told = (answer: Answer, request: IncomingMessage, query: URLSearchParams): Promise<Answer> =>
    encode(request, query, answer).catch(() => answer);

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { path, query } = addressOf(request);
    let user: User | undefined;
    try {
      const known = await access.identify(request);
      user = known?.user;
      const caller = admitted(known, request, path, query);
      const stream = routes.stream(path);
      if (!stream) throw noSuchPath();
      const guest = await stream.route.connect({
        ...subresourceRequest(stream.target, query),
        path: pathBelow(stream.route.subresource, stream.target.subresource),
        direct: isLocal(request) && request.headers[DIRECT_HEADER] === '?1',
      });
      if (socket.destroyed || closing) {
        guest.destroy();
        socket.destroy();
      } else {
        socket.on('close', access.track(caller, () => socket.destroy()));
        audit?.note(request, 101, user);
        streams.join(request, socket, head, guest);
      }
    } catch (error) {
      const status = statusOf(error, log, `upgrade ${path}`);
      audit?.note(request, status.code, user);
      refuseUpgrade(socket, status);
    }
  }

  return {
    listen: (socket) => {
      // Whoever came while there was nothing to serve was turned away by this listener.
      socket.removeAllListeners('connection');
      socket.on('connection', (connection) => server.emit('connection', connection));
      return Promise.resolve();
    },
    showCertificate: (certificate) => server.setSecureContext({ ...certificate, minVersion: 'TLSv1.2' }),
    listenLocal: async (path) => {
      const listening = once(local, 'listening');
      local.listen(path);
      await listening;
    },
    close: async () => {
      closing = true;
      routes.endWatches();
      streams.close();
      server.closeIdleConnections();
      // Takes the socket's file away, too.
      local.close();
      await untilEmpty(connections, closeWithinMs);
      for (const connection of connections) connection.destroy();
    },
  };
}

/** Resolves when every connection has closed, or the time is over. */
function untilEmpty(connections: ReadonlySet<Duplex>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (connections.size === 0) { resolve(); return; }
    const timer = setTimeout(resolve, ms);
    for (const connection of connections) {
      connection.once('close', () => {
        if (connections.size > 0) return;
        clearTimeout(timer);
        resolve();
      });
    }
  });
}

function addressOf(request: IncomingMessage): { path: string; query: URLSearchParams } {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return mark < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}
