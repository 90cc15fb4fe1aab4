/** Requests to one Kubernetes API server over kept-alive connections. */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest, type AgentOptions, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { HayloftError } from '#shared/contract/errors.ts';
import { connectPooled } from '#shared/host/pooled-socket.ts';
import type { Access, Credentials } from './access.ts';
import { AnswerError, cutOff, errorFromAnswer, errorFromNetwork, noAnswer, tooMany } from './api-errors.ts';
import type { ServedGroups } from './capabilities/versions.ts';
import { CredentialSource } from './credentials.ts';
import { TunnelAgent } from './proxy/agent.ts';
import { proxyFor } from './proxy/choose.ts';

const answerTimeoutMs = 30_000;
/** After this long without a byte the system asks the far side whether it is still there, once a second. */
const aliveProbeMs = 10_000;
/** A server that has too much to do is asked again this often, if it does not want to be left alone for longer than that. */
const mostPatience = 3;
const longestPatienceMs = 5000;
const unauthorized = 401;

export interface RequestDetails {
  body?: unknown;
  /** Default `application/json`. */
  contentType?: string;
  /** Beside the usual ones. */
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** How long the far side may be silent, in milliseconds. Default 30 s. */
  timeoutMs?: number;
  /** Which of the kept connections it may take; `none`: a new one. Default `calls`. */
  over?: Keep | 'none';
  /** Told whether it went over a connection that was there before. */
  onConnection?: (kept: boolean) => void;
  /** Worth packing on the way: a list. */
  packed?: boolean;
}

/** Connections are kept apart, so that those of one sort can be let go. */
type Keep = 'calls' | 'watches' | 'pulse';

export interface TlsOptions {
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
  rejectUnauthorized?: boolean;
  allowPartialTrustChain?: boolean;
}

export class ApiClient {
  readonly access: Access;
  /** Called whenever the server says anything. */
  heard: () => void = () => undefined;
  /** Called when a request that is not the server's own business failed: the way to it may be broken. */
  failed: (error: HayloftError) => void = () => undefined;
  /** What the cluster serves, once it is known: requests are put in its versions. */
  served: ServedGroups | undefined;
  readonly #credentials: CredentialSource;
  readonly #agents: Record<Keep, HttpAgent>;

  constructor(access: Access) {
    this.access = access;
    this.#credentials = new CredentialSource(access);
    this.#agents = { calls: this.#agent(), watches: this.#agent(), pulse: this.#agent() };
  }

  /**
   * Begins a request to the server, or to a part of it that has an address of its own (CDI's upload proxy).
   * @param url absolute. What goes to the server itself takes its local socket where there is one.
   */
  request(url: string, options: RequestOptions, onResponse?: (response: IncomingMessage) => void): ClientRequest {
    const { localSocket, server } = this.access;
    if (localSocket === undefined || !url.startsWith(`${server}/`)) {
      const agent = options.agent || this.#proxied(url);
      return httpsRequest(url, agent ? { ...options, agent } : options, onResponse);
    }
    return httpRequest({ ...options, socketPath: localSocket, host: 'localhost', path: url.slice(server.length) }, onResponse);
  }

  /** @returns the parsed answer; undefined for an empty one. Throws a HayloftError. */
  async call<T>(method: string, path: string, details: RequestDetails = {}): Promise<T> {
    const response = await this.#send(method, path, details);
    const unpacked = response.headers['content-encoding'] === 'gzip' ? response.pipe(createGunzip()) : response;
    response.on('error', (error) => unpacked.destroy(error));
    const body = await text(unpacked).catch((error: unknown) => {
      throw details.signal?.aborted ? abortReason(details.signal) : this.#broken(error);
    });
    this.heard();
    // Several of KubeVirt's actions succeed with an empty body, or with a word.
    if (body === '') return undefined as T;
    try {
      return JSON.parse(body) as T;
    } catch (cause) {
      if (/^\s*[{[]/.test(body)) throw cutOff(this.access.server, cause);
      throw new HayloftError('unsupported', `What answers at ${this.access.server} is not a Kubernetes API server.`, {
        hint: 'Check the address in the kubeconfig. On networks with a log-in page, log in first.',
        cause,
      });
    }
  }

  /**
   * @returns the answer once its head says success, its body still to be read, for however long that takes.
   * Throws a HayloftError.
   */
  async open(method: string, path: string, details: RequestDetails = {}): Promise<IncomingMessage> {
    const response = await this.#send(method, path, details);
    response.socket.setTimeout(0);
    response.socket.setKeepAlive(true, aliveProbeMs);
    response.on('data', () => this.heard());
    return response.pause();
  }

  /**
   * Begins a request that asks the server to speak another protocol from here on; its `upgrade` event says that it
   * does. The connection is its own, and reads into pooled buffers where it is local (`giveBack`).
   * @param headers those of the other protocol
   */
  async upgrade(path: string, headers: Record<string, string>): Promise<ClientRequest> {
    const { server, localSocket } = this.access;
    const credentials = await this.#credentials.now();
    const options = { headers: { ...headers, ...authorization(credentials) } };
    return localSocket === undefined
      ? httpsRequest(server + path, { ...options, ...trustOf(this.access), ...certificateOf(credentials), agent: this.#proxied(server) ?? false })
      : httpRequest({ ...options, host: 'localhost', path, createConnection: () => connectPooled(localSocket).resume() });
  }

  /**
   * Begins a request whose body the caller writes, over a connection of its own.
   * @param path below the server's address, as for `call`
   */
  async begin(method: string, path: string, options: { headers: OutgoingHttpHeaders; signal: AbortSignal }): Promise<ClientRequest> {
    const { server } = this.access;
    const credentials = await this.#credentials.now();
    return this.request(server + path, {
      ...options,
      method,
      headers: { ...options.headers, ...authorization(credentials) },
      ...trustOf(this.access),
      ...certificateOf(credentials),
      agent: this.#proxied(server) ?? false,
    });
  }

  /** Whether there are other credentials by now than those that were refused, without asking a program or a person. */
  credentialsChanged(): Promise<boolean> {
    return this.#credentials.changed();
  }

  /**
   * Lets go of connections that may lead nowhere any more.
   * @param which default: the watches' and all idle ones; calls under way come to their own end
   */
  dropConnections(which?: 'pulse'): void {
    this.#agents.pulse.destroy();
    if (which) return;
    this.#agents.watches.destroy();
    for (const sockets of Object.values(this.#agents.calls.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  #agent(kept: AgentOptions = { keepAlive: true, keepAliveMsecs: aliveProbeMs }): HttpAgent {
    const { localSocket, proxy } = this.access;
    if (localSocket !== undefined) return new HttpAgent(kept);
    const options = { ...kept, ...trustOf(this.access) };
    return proxy === undefined ? new Agent(options) : new TunnelAgent(proxy, options);
  }

  /** For a connection of its own, to the server or to a part of it elsewhere; undefined where no proxy is in the way. */
  #proxied(url: string): TunnelAgent | undefined {
    const { server, proxy } = this.access;
    const way = url.startsWith(server) ? proxy : proxyFor(url, proxy);
    return way === undefined ? undefined : new TunnelAgent(way, {});
  }

  /** Sends it, and once more where the first try's fate says that the server never acted on it. */
  async #send(method: string, path: string, details: RequestDetails): Promise<IncomingMessage> {
    let credentials = await this.#credentials.now();
    let renewed = false;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#sendOnce(method, path, details, credentials);
      } catch (error) {
        if (error instanceof StaleConnection && method === 'GET' && tries === 1) continue;
        if (!(error instanceof AnswerError)) throw error;
        const others = error.httpStatus === unauthorized && !renewed ? await this.#credentials.renewed(credentials) : undefined;
        const patience = error.httpStatus === tooMany && tries <= mostPatience ? error.retryAfterMs : undefined;
        if (others) {
          credentials = others;
          renewed = true;
        } else if (patience !== undefined && patience <= longestPatienceMs) {
          await delay(patience, undefined, details.signal ? { signal: details.signal } : {}).catch(() => undefined);
          if (details.signal?.aborted) throw abortReason(details.signal);
        } else {
          if (error.httpStatus === unauthorized) this.failed(error);
          throw error;
        }
      }
    }
  }

  #broken(error: unknown): HayloftError {
    const known = errorFromNetwork(error, this.access.server);
    this.failed(known);
    return known;
  }

  #sendOnce(method: string, path: string, details: RequestDetails, credentials: Credentials): Promise<IncomingMessage> {
    const { server } = this.access;
    const spoken = this.served?.speak(path, details.body) ?? { path, body: details.body };
    const payload = spoken.body === undefined ? undefined : JSON.stringify(spoken.body);
    const options: RequestOptions = {
      method,
      agent: details.over === 'none' ? this.#agent({}) : this.#agents[details.over ?? 'calls'],
      ...certificateOf(credentials),
      headers: {
        accept: 'application/json',
        ...(details.packed === true && this.access.localSocket === undefined ? { 'accept-encoding': 'gzip' } : {}),
        ...authorization(credentials),
        ...details.headers,
        ...(payload === undefined
          ? {}
          : { 'content-type': details.contentType ?? 'application/json', 'content-length': Buffer.byteLength(payload) }),
      },
      timeout: details.timeoutMs ?? answerTimeoutMs,
      ...(details.signal ? { signal: details.signal } : {}),
    };
    return new Promise((resolve, reject) => {
      const request = this.request(server + spoken.path, options, (response) => {
        this.heard();
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) {
          resolve(response);
          return;
        }
        text(response).then(
          (body) => reject(errorFromAnswer(status, body, response.headers['retry-after'])),
          (error: unknown) => reject(this.#broken(error)),
        );
      });
      request.on('socket', () => details.onConnection?.(request.reusedSocket));
      request.on('timeout', () => request.destroy(noAnswer(server)));
      request.on('error', (error: Error & { code?: string }) => {
        if (details.signal?.aborted) reject(abortReason(details.signal));
        else if (request.reusedSocket && error.code === 'ECONNRESET') reject(new StaleConnection(server, error));
        else reject(this.#broken(error));
      });
      request.end(payload);
    });
  }
}

class StaleConnection extends HayloftError {
  constructor(server: string, cause: unknown) {
    super('connection-lost', `The connection to ${new URL(server).host} was lost.`, { retryable: true, cause });
  }
}

function trustOf(access: Access): TlsOptions {
  return {
    // As kubectl does: any certificate that is named may end the chain, not only one that signed itself.
    ...(access.ca === undefined ? {} : { ca: access.ca, allowPartialTrustChain: true }),
    ...(access.serverName === undefined ? {} : { servername: access.serverName }),
    ...(access.insecure === true ? { rejectUnauthorized: false } : {}),
  };
}

const certificateOf = ({ clientCertificate, clientKey }: Credentials): TlsOptions => ({
  ...(clientCertificate === undefined ? {} : { cert: clientCertificate }),
  ...(clientKey === undefined ? {} : { key: clientKey }),
});

const authorization = ({ token }: Credentials): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** What a request ends with whose signal was aborted. */
export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new HayloftError('cancelled', 'It was cancelled.');
}
