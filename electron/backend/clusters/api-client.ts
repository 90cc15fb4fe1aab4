/** Requests to one Kubernetes API server over kept-alive connections. */
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { text } from 'node:stream/consumers';
import { HayloftError } from '#shared/contract/errors.ts';
import { connectPooled } from '#shared/host/pooled-socket.ts';
import type { Access, Credentials } from './access.ts';
import { errorFromAnswer, errorFromNetwork, noAnswer } from './api-errors.ts';

const answerTimeoutMs = 30_000;
/** After this long without a byte the system asks the far side whether it is still there, once a second. */
const aliveProbeMs = 10_000;

export interface RequestDetails {
  body?: unknown;
  /** Default `application/json`. */
  contentType?: string;
  signal?: AbortSignal;
  /** How long the far side may be silent, in milliseconds. Default 30 s. */
  timeoutMs?: number;
}

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
  readonly #agent: HttpAgent;

  constructor(access: Access) {
    this.access = access;
    const kept = { keepAlive: true, keepAliveMsecs: aliveProbeMs };
    this.#agent = access.localSocket === undefined ? new Agent({ ...kept, ...trustOf(access) }) : new HttpAgent(kept);
  }

  /**
   * Begins a request to the server, or to a part of it that has an address of its own (CDI's upload proxy).
   * @param url absolute. What goes to the server itself takes its local socket where there is one.
   */
  request(url: string, options: RequestOptions, onResponse?: (response: IncomingMessage) => void): ClientRequest {
    const { localSocket, server } = this.access;
    if (localSocket === undefined || !url.startsWith(`${server}/`)) return httpsRequest(url, options, onResponse);
    return httpRequest({ ...options, socketPath: localSocket, host: 'localhost', path: url.slice(server.length) }, onResponse);
  }

  /** @returns the parsed answer; undefined for an empty one. Throws a HayloftError. */
  async call<T>(method: string, path: string, details: RequestDetails = {}): Promise<T> {
    const response = await this.#send(method, path, details);
    const body = await text(response).catch((error: unknown) => {
      throw details.signal?.aborted ? abortReason(details.signal) : errorFromNetwork(error, this.access.server);
    });
    // Several of KubeVirt's actions succeed with an empty body, or with a word.
    if (body === '') return undefined as T;
    try {
      return JSON.parse(body) as T;
    } catch (cause) {
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
    return response;
  }

  /**
   * Begins a request that asks the server to speak another protocol from here on; its `upgrade` event says that it
   * does. The connection is its own, and reads into pooled buffers where it is local (`giveBack`).
   * @param headers those of the other protocol
   */
  async upgrade(path: string, headers: Record<string, string>): Promise<ClientRequest> {
    const { server, localSocket } = this.access;
    const credentials = await this.#credentials();
    const options = { headers: { ...headers, ...authorization(credentials) } };
    return localSocket === undefined
      ? httpsRequest(server + path, { ...options, ...trustOf(this.access), ...certificateOf(credentials), agent: false })
      : httpRequest({ ...options, host: 'localhost', path, createConnection: () => connectPooled(localSocket).resume() });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #credentials(): Promise<Credentials> {
    return this.access.renew ? { ...this.access, ...(await this.access.renew()) } : this.access;
  }

  async #send(method: string, path: string, details: RequestDetails): Promise<IncomingMessage> {
    const credentials = await this.#credentials();
    try {
      return await this.#sendOnce(method, path, details, credentials);
    } catch (error) {
      // The server closed a kept connection in the moment in which it was used again.
      if (error instanceof StaleConnection && method === 'GET') return this.#sendOnce(method, path, details, credentials);
      throw error;
    }
  }

  #sendOnce(method: string, path: string, details: RequestDetails, credentials: Credentials): Promise<IncomingMessage> {
    const { server } = this.access;
    const payload = details.body === undefined ? undefined : JSON.stringify(details.body);
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      ...certificateOf(credentials),
      headers: {
        accept: 'application/json',
        ...authorization(credentials),
        ...(payload === undefined
          ? {}
          : { 'content-type': details.contentType ?? 'application/json', 'content-length': Buffer.byteLength(payload) }),
      },
      timeout: details.timeoutMs ?? answerTimeoutMs,
      ...(details.signal ? { signal: details.signal } : {}),
    };
    return new Promise((resolve, reject) => {
      const request = this.request(server + path, options, (response) => {
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) {
          resolve(response);
          return;
        }
        text(response).then(
          (body) => reject(errorFromAnswer(status, body)),
          (error: unknown) => reject(errorFromNetwork(error, server)),
        );
      });
      request.on('timeout', () => request.destroy(noAnswer(server)));
      request.on('error', (error: Error & { code?: string }) => {
        if (details.signal?.aborted) reject(abortReason(details.signal));
        else if (request.reusedSocket && error.code === 'ECONNRESET') reject(new StaleConnection(server, error));
        else reject(errorFromNetwork(error, server));
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
