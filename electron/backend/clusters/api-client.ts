/** Requests to one Kubernetes API server over kept-alive connections. */
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { HayloftError } from '#shared/contract/errors.ts';
import { errorFromAnswer, errorFromNetwork } from './api-errors.ts';
import type { Access } from './kubeconfig.ts';

const answerTimeoutMs = 30_000;

export interface RequestDetails {
  body?: unknown;
  /** Default `application/json`. */
  contentType?: string;
  signal?: AbortSignal;
  /** How long the answer's head may take; 0: for ever. Default 30 s. */
  timeoutMs?: number;
}

export class ApiClient {
  readonly access: Access;
  readonly #agent: Agent;

  constructor(access: Access) {
    this.access = access;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 32, ...this.tls() });
  }

  /** TLS options for connections of other kinds to the same server. */
  tls(): { ca?: string; cert?: string; key?: string } {
    const { ca, clientCertificate, clientKey } = this.access;
    return {
      ...(ca === undefined ? {} : { ca }),
      ...(clientCertificate === undefined ? {} : { cert: clientCertificate }),
      ...(clientKey === undefined ? {} : { key: clientKey }),
    };
  }

  /** The header that proves who we are; empty where a client certificate does. */
  authorization(): Record<string, string> {
    return this.access.token === undefined ? {} : { authorization: `Bearer ${this.access.token}` };
  }

  /** @returns the parsed answer; undefined for an empty one. Throws a HayloftError. */
  async call<T>(method: string, path: string, details: RequestDetails = {}): Promise<T> {
    const response = await this.open(method, path, details);
    const body = await text(response).catch((error: unknown) => {
      throw errorFromNetwork(error as Error, this.access.server);
    });
    // Several of KubeVirt's actions succeed with an empty body.
    return (body === '' ? undefined : JSON.parse(body)) as T;
  }

  /** @returns the answer once its head says success, its body still to be read. Throws a HayloftError. */
  open(method: string, path: string, details: RequestDetails = {}): Promise<IncomingMessage> {
    const payload = details.body === undefined ? undefined : JSON.stringify(details.body);
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      headers: {
        accept: 'application/json',
        ...this.authorization(),
        ...(payload === undefined
          ? {}
          : { 'content-type': details.contentType ?? 'application/json', 'content-length': Buffer.byteLength(payload) }),
      },
      timeout: details.timeoutMs ?? answerTimeoutMs,
    };
    if (details.signal) options.signal = details.signal;
    return new Promise((resolve, reject) => {
      const request = httpsRequest(this.access.server + path, options, (response) => {
        request.setTimeout(0);
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(response);
        else text(response).then((body) => reject(errorFromAnswer(status, body)), (error: Error) => reject(errorFromNetwork(error, this.access.server)));
      });
      request.on('timeout', () => request.destroy(new HayloftError('timeout', `${new URL(this.access.server).host} did not answer in time.`, { retryable: true })));
      request.on('error', (error) => reject(error instanceof HayloftError ? error : errorFromNetwork(error, this.access.server)));
      request.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
