/**
 * Stands between the app and an API server that keeps recorded objects: notes down what the app asks to be changed, and
 * answers what only a real cluster could, with what that was recorded to answer.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { selfSigned } from '../../electron/backend/clusters/fake-api-server.ts';

export interface RecordedRequest {
  method: string;
  /** With its query. */
  path: string;
  contentType: string | undefined;
  body: unknown;
}

/** What stands in for a part of a cluster that is not there. */
export type StandIn = (request: Pick<RecordedRequest, 'method' | 'path'>) => { status: number; body?: unknown } | undefined;

export interface ProxyTarget {
  endpoint: string;
  ca: string;
  token: string;
}

/** Reviews of rights are asked by POST, and change nothing. */
const onlyAsks = /^\/apis\/authorization\.k8s\.io\//;

export class RecordingProxy {
  /** Requests that change something, oldest first. */
  readonly changes: RecordedRequest[] = [];
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #ca: string;

  private constructor(target: ProxyTarget, standIn: StandIn, identity: { key: string; cert: string }) {
    this.#ca = identity.cert;
    this.#agent = new Agent({ keepAlive: true, ca: target.ca });
    this.#server = createServer(identity, (request, response) => {
      this.#serve(target, standIn, request, response).catch(() => response.destroy());
    });
  }

  static async start(target: ProxyTarget, standIn: StandIn): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(target, standIn, await selfSigned());
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** @param name of the cluster and the context */
  kubeconfig(name: string): string {
    const server = `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      clusters: [{ name, cluster: { server, 'certificate-authority-data': Buffer.from(this.#ca).toString('base64') } }],
      users: [{ name, user: { token: 'recorded' } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(target: ProxyTarget, standIn: StandIn, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '/' } = request;
    const body = await text(request);
    if (method !== 'GET' && method !== 'HEAD' && !onlyAsks.test(path)) {
      this.changes.push({ method, path, contentType: request.headers['content-type'], body: body === '' ? undefined : (JSON.parse(body) as unknown) });
    }
    const answer = standIn({ method, path });
    if (answer) {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
      return;
    }
    const headers = { ...request.headers, host: new URL(target.endpoint).host, authorization: `Bearer ${target.token}` };
    const upstream = httpsRequest(`${target.endpoint}${path}`, { method, agent: this.#agent, headers }, (from) => {
      response.writeHead(from.statusCode ?? 502, from.headers);
      // A watch answers with its head long before there is anything to tell.
      response.flushHeaders();
      from.on('error', () => response.destroy());
      from.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    upstream.end(body);
  }
}
