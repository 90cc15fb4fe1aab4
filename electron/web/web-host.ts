/** The web host: the renderer and the backend for a browser on this computer. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { json } from 'node:stream/consumers';
import { WebSocketServer } from 'ws';
import { z } from 'zod';
import type { Handlers } from '#shared/channel/handlers.ts';
import { serveChannel } from '#shared/channel/server.ts';
import { MAX_MESSAGE_BYTES, webSocketCarrier } from '#shared/channel/web-socket-carrier.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import { pageHeaders } from '#shared/page-host/content-policy.ts';
import { readPageFiles } from '#shared/page-host/page-files.ts';
import type { PageFiles } from '#shared/page-host/page-files.ts';
import { checkCookie, checkHost, checkOrigin, cookieName, WrongTokens } from './request-checks.ts';
import type { Refusal } from './request-checks.ts';
import { createSession } from './session.ts';
import type { Session } from './session.ts';

const MAX_TOKEN_REQUEST_BYTES = 1024;

export interface WebHostOptions {
  /** The port on 127.0.0.1; 0 takes any free one. */
  port: number;
  /** The built renderer. */
  rendererDir: string;
  backend: { handlers: Handlers };
  /** Absent: a new one, for this run only. */
  session?: Session;
  log: { warn(message: string, fields?: Record<string, unknown>): void; error: WebHostOptions['log']['warn'] };
}

export interface WebHost {
  /** The address with the lasting token in it: whoever has it has everything. */
  url: string;
  /** An address that works once and soon, for starting a browser with. */
  openingUrl(): string;
  close(): Promise<void>;
}

/**
 * Serves the renderer and the backend's channel on 127.0.0.1.
 * @throws HayloftError `port-taken`, or `forbidden` when this user may not use the port
 */
export async function startWebHost(options: WebHostOptions): Promise<WebHost> {
  const session = options.session ?? createSession();
  const files = await readPageFiles(options.rendererDir);
  const http = createServer();
  const port = await listen(http, options.port);
  const wrongTokens = new WrongTokens();

  http.on('request', (request, response) => {
    const channel = `ws://${String(request.headers.host)}`;
    const refusal = checkHost(request, port);
    for (const [name, value] of Object.entries(pageHeaders(refusal === undefined ? channel : undefined))) {
      response.setHeader(name, value);
    }
    if (refusal !== undefined) {
      refuse(response, refusal.status, refusal.message);
      return;
    }
    const [path = '/'] = (request.url ?? '/').split('?');
    if (path === '/session') {
      answerSession(request, response, { port, session, wrongTokens, log: options.log }).catch((error: unknown) => {
        options.log.error('A session request failed', { error: String(error) });
        if (!response.headersSent) refuse(response, 400, 'The request could not be read.');
      });
    } else {
      answerFile(request, response, files, path);
    }
  });

  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // The other side may hang up while it is being answered.
    socket.on('error', () => socket.destroy());
    const refusal = checkHost(request, port) ?? checkOrigin(request) ?? checkCookie(request, port, session);
    if (refusal !== undefined) {
      refuseUpgrade(socket, refusal);
    } else if (request.url !== '/channel') {
      refuseUpgrade(socket, { status: 400, message: 'The channel is at /channel.' });
    } else {
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        serveChannel(webSocketCarrier(webSocket), options.backend.handlers, {
          onInternalError: (name, error) =>
            options.log.error(`“${name}” failed`, { error: error.message, cause: causeText(error) }),
        });
      });
    }
  });

  const address = `http://127.0.0.1:${port}/`;
  return {
    url: `${address}#token=${session.token}`,
    openingUrl: () => `${address}#token=${session.issueSingleUseToken()}`,
    close: () => close(http, sockets),
  };
}

interface SessionContext extends Pick<WebHostOptions, 'log'> {
  port: number;
  session: Session;
  wrongTokens: WrongTokens;
}

const sessionRequest = z.object({ token: z.string().max(200) });

/** `GET /session` tells whether the browser holds the cookie (204 or 401); `POST` exchanges a token for it. */
async function answerSession(request: IncomingMessage, response: ServerResponse, context: SessionContext): Promise<void> {
  response.setHeader('cache-control', 'no-store');
  if (request.method === 'GET') {
    const missing = checkCookie(request, context.port, context.session);
    if (missing === undefined) response.writeHead(204).end();
    else refuse(response, missing.status, missing.message);
    return;
  }
  if (request.method !== 'POST') {
    refuse(response, 405, 'Only GET and POST work here.', { allow: 'GET, POST' });
    return;
  }
  const foreign = checkOrigin(request);
  if (foreign !== undefined) {
    refuse(response, foreign.status, foreign.message);
    return;
  }
  // A form on another page cannot send this type.
  if (request.headers['content-type']?.split(';')[0] !== 'application/json') {
    refuse(response, 415, 'The token must come as application/json.');
    return;
  }
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  if (!(length <= MAX_TOKEN_REQUEST_BYTES)) {
    refuse(response, 413, 'The request is too large, or does not tell its length.');
    return;
  }
  const parsed = sessionRequest.safeParse(await json(request));
  if (parsed.success && context.session.accepts(parsed.data.token)) {
    const cookie = `${cookieName(context.port)}=${context.session.cookie}; Path=/; HttpOnly; SameSite=Strict`;
    response.writeHead(204, { 'set-cookie': cookie }).end();
    return;
  }
  const tooMany = context.wrongTokens.note();
  if (!tooMany) context.log.warn('A wrong token was presented');
  if (tooMany) refuse(response, 429, 'Too many wrong tokens. Wait a minute.', { 'retry-after': '60' });
  else refuse(response, 401, 'The token is wrong or used up. Open the address that Hayloft printed when it started.');
}

function answerFile(request: IncomingMessage, response: ServerResponse, files: PageFiles, path: string): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuse(response, 405, 'Only GET works here.', { allow: 'GET, HEAD' });
    return;
  }
  const file = files.find(path);
  if (file === undefined) {
    refuse(response, 404, 'There is nothing here.');
    return;
  }
  response.setHeader('etag', file.etag);
  response.setHeader('cache-control', file.cacheControl);
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(200, { 'content-type': file.contentType, 'content-length': file.bytes.byteLength });
  response.end(request.method === 'HEAD' ? undefined : file.bytes);
}

function refuse(response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}): void {
  // What was not read of the request is not waited for.
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close', ...headers });
  response.end(`${message}\n`);
}

function refuseUpgrade(socket: Duplex, { status, message }: Refusal): void {
  const body = `${message}\n`;
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function listen(http: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') {
        reject(
          new HayloftError('port-taken', `Port ${port} is in use by another program.`, {
            hint: 'Choose another port, or let Hayloft take any free one with --port 0.',
            cause: error,
          }),
        );
      } else if (error.code === 'EACCES') {
        reject(
          new HayloftError('forbidden', `Port ${port} may only be used by the administrator of this computer.`, {
            hint: 'Choose a port above 1023, or let Hayloft take any free one with --port 0.',
            cause: error,
          }),
        );
      } else {
        reject(error);
      }
    });
    http.listen(port, '127.0.0.1', () => resolve((http.address() as AddressInfo).port));
  });
}

async function close(http: Server, sockets: WebSocketServer): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    http.close(() => resolve());
  });
  for (const socket of sockets.clients) socket.terminate();
  http.closeAllConnections();
  await closed;
}

function causeText(error: HayloftError): string {
  return error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause);
}
