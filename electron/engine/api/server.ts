/** The engine's API server: TLS, the token, and every path behind them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Log } from '../context.ts';
import type { ApiStore } from '../store/api-store.ts';
import type { EngineModule } from './definition.ts';
import { ApiError, unauthorized } from './errors.ts';
import { authenticator } from './http/authentication.ts';
import { respond, statusOf } from './http/respond.ts';
import { Routes } from './routes.ts';
import { joinWebSocket, refuseUpgrade } from './streams/upgrades.ts';
import { subresourceRequest } from './verbs/subresource.ts';

export interface ApiServerOptions {
  store: ApiStore;
  modules: readonly EngineModule[];
  token: string;
  tls: { cert: string; key: string };
  log: Log;
}

export interface ApiServer {
  /** Takes over a socket that listens already. */
  listen(socket: NetServer): Promise<void>;
  /** Ends every connection. */
  close(): Promise<void>;
}

const healthPaths = new Set(['/healthz', '/livez', '/readyz']);

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { log } = options;
  const routes = new Routes(options.store, options.modules, packageJson.version);
  const raw = new Map(options.modules.flatMap((module) => module.raw ?? []).map((route) => [route.path, route]));
  const identify = authenticator(options.token);
  const connections = new Set<Duplex>();
  const { cert, key } = options.tls;
  // Uploads take as long as they take; who sends nothing is bounded by each handler.
  const server = createServer({ cert, key, minVersion: 'TLSv1.2', requestTimeout: 0 });

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void serve(request, response);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    void upgrade(request, socket, head);
  });
  server.on('secureConnection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, query } = addressOf(request);
    try {
      if (healthPaths.has(path)) {
        respond(response, { status: 200, body: Buffer.from('ok'), contentType: 'text/plain' });
        return;
      }
      const route = raw.get(path);
      if (route?.methods.includes(request.method ?? '')) {
        await route.handle(request, response);
        return;
      }
      if (identify(request) !== 'owner') throw unauthorized();
      const answer = await routes.serve({ request, response, path, query });
      if (answer) respond(response, answer);
    } catch (error) {
      const status = statusOf(error, log, `${request.method ?? ''} ${path}`);
      if (response.headersSent) response.destroy();
      else respond(response, { status: status.code, body: status });
    }
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { path, query } = addressOf(request);
    try {
      if (identify(request) !== 'owner') throw unauthorized();
      const stream = routes.stream(path);
      if (!stream) throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
      const guest = await stream.route.connect(subresourceRequest(stream.target, query));
      if (socket.destroyed) guest.destroy();
      else joinWebSocket(request, socket, head, guest);
    } catch (error) {
      refuseUpgrade(socket, statusOf(error, log, `upgrade ${path}`));
    }
  }

  return {
    listen: (socket) => {
      // Whoever came while there was nothing to serve was turned away by this listener.
      socket.removeAllListeners('connection');
      socket.on('connection', (connection) => server.emit('connection', connection));
      return Promise.resolve();
    },
    close: () => {
      for (const connection of connections) connection.destroy();
      return Promise.resolve();
    },
  };
}

function addressOf(request: IncomingMessage): { path: string; query: URLSearchParams } {
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  return { path, query: new URLSearchParams(query) };
}
