/** Asks the engine that runs in a data folder, as its owner. */
import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { HayloftError, type ErrorCode } from '#shared/contract/hayloft-error.ts';
import { localSocketIn } from '#shared/host/local-socket.ts';
import { loopback, publicAddress, urlOf } from '../listen/addresses.ts';
import { trustedAuthorities } from '../tls/succession.ts';
import type { Status } from '#shared/kube/object.ts';

export interface EngineClient {
  /** @throws HayloftError, `not-found` and `conflict` among them */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** PEM: whom clients are to trust. */
  ca: string;
  /** Where it answers: for others where it listens for them, else on this computer. */
  endpoint(): Promise<string>;
}

const noEngine = (dataDir: string, cause?: unknown): HayloftError =>
  new HayloftError('unreachable', `No engine answers in ${dataDir}.`, {
    hint: 'Start it first, or name its folder with --data-dir.',
    cause,
  });

/** @throws HayloftError `unreachable` when no engine has worked there */
export function connectTo(dataDir: string): EngineClient {
  let port: number, listen: string[], token: string, ca: string;
  try {
    ({ port, listen } = JSON.parse(readFileSync(join(dataDir, 'engine.json'), 'utf8')) as { port: number; listen: string[] });
    token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
    ca = trustedAuthorities(join(dataDir, 'tls'));
  } catch (error) {
    throw noEngine(dataDir, error);
  }
  const socketPath = localSocketIn(dataDir);
  const begin = (options: RequestOptions, answered: (answer: IncomingMessage) => void): ReturnType<typeof httpRequest> =>
    socketPath !== undefined && existsSync(socketPath)
      ? httpRequest({ ...options, socketPath }, answered)
      : httpsRequest({ ...options, host: '127.0.0.1', port, ca, agent: false }, answered);
  const send = (method: string, path: string, payload: string | undefined): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const length = payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
      begin({ method, path, headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...length } }, resolve)
        .on('error', (error) => reject(noEngine(dataDir, error)))
        .end(payload);
    });
  return {
    ca,
    endpoint: async () => urlOf((await publicAddress(listen)) ?? loopback, port),
    call: async <T>(method: string, path: string, body?: unknown) => {
      const answer = await send(method, path, body === undefined ? undefined : JSON.stringify(body));
      const said = await text(answer);
      if ((answer.statusCode ?? 0) < 300) return JSON.parse(said) as T;
      throw refusal(answer.statusCode ?? 0, said);
    },
  };
}

const codes: Record<number, ErrorCode> = { 401: 'unauthorized', 403: 'forbidden', 404: 'not-found', 409: 'conflict', 422: 'bad-input' };

function refusal(status: number, said: string): HayloftError {
  const message = said.startsWith('{') ? ((JSON.parse(said) as Status).message ?? said) : said;
  return new HayloftError(codes[status] ?? 'internal', `The engine refused: ${message}`);
}
