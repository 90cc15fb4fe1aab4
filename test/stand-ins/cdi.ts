/**
 * A stand-in for a KubeVirt cluster's CDI, for tests: the API server's part (DataVolumes, upload tokens, a pod's portforward)
 * and the upload proxy's, with the codes and words of CDI's pkg/uploadproxy and pkg/uploadserver. It stores nothing: it hashes.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer, type WebSocket } from 'ws';
import { FakeApiServer, selfSigned, type FakeAnswer, type FakeRequest } from '../../electron/backend/clusters/fake-api-server.ts';
import type { DataVolume } from '../../shared/kube/cdi.ts';
import type { KubeObject } from '../../shared/kube/object.ts';

const group = '/apis/cdi.kubevirt.io/v1beta1';
/** CDI's tokens last five minutes, and ten seconds of leeway (CDI's pkg/apiserver). */
const tokenMs = 310_000;

/** What a request to the proxy was, with the sum of its body. */
export interface SeenUpload {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  bytes: number;
  sha256: string;
}

/** What the proxy does with one upload's request instead of taking it. */
export type Mischief =
  /** At once, before the body is read, as the proxy and an ingress do. */
  | { status: number; body: string }
  /** The line is cut when so many bytes have come. */
  | { cutAfter: number };

export class CdiStandIn {
  readonly api: FakeApiServer;
  /** Requests of uploads that came to the proxy, ended or not. */
  readonly seen: SeenUpload[] = [];
  /** Names of DataVolumes that were deleted. */
  readonly removed: string[] = [];
  readonly made: DataVolume[] = [];
  /** Connections that came through the pod's portforward. */
  tunnels = 0;
  /** Taken in turn, one by each upload's request. */
  mischief: Mischief[] = [];
  /** How fast the disk behind it is, in bytes a second. */
  diskRate = Infinity;
  /** Bodies over this are refused by what stands before the proxy's address, as by nginx; not in the tunnel. */
  bodyLimit = Infinity;
  /** How a volume is from its making on; later by `ready`. */
  firstPhase: 'UploadReady' | 'UploadScheduled' | 'ImportInProgress' = 'UploadReady';
  /** Whether it has the endpoint that does not let wait, as CDI has since 1.13. */
  hasAsync = true;
  /** Milliseconds that passed for tokens beside those of the clock. */
  passed = 0;
  readonly #proxy: Server;
  readonly #ca: string;
  readonly #tokens = new Map<string, { claim: string; at: number }>();
  readonly #tunnelPorts = new Set<number>();

  private constructor(api: FakeApiServer, proxy: Server, ca: string) {
    this.api = api;
    this.#proxy = proxy;
    this.#ca = ca;
    api.answer = (request) => this.#answer(request);
    const pods = new WebSocketServer({ server: api.server, handleProtocols: (offered) => (offered.has('v4.channel.k8s.io') ? 'v4.channel.k8s.io' : false) });
    pods.on('connection', (socket, request) => this.#forward(socket, request));
    proxy.on('request', (request, response) => void this.#serve(request, response));
  }

  /** @param hasAddress whether CDI tells where its proxy is; else only the tunnel leads to it */
  static async start(hasAddress: boolean): Promise<CdiStandIn> {
    const api = await FakeApiServer.start();
    const { key, cert } = await selfSigned({ names: ['cdi-uploadproxy'] });
    const proxy = createServer({ key, cert });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const found = new CdiStandIn(api, proxy, cert);
    found.#hasAddress = hasAddress;
    return found;
  }
  #hasAddress = false;

  get proxyPort(): number {
    return (this.#proxy.address() as AddressInfo).port;
  }

  /** The controller says how a volume is. */
  phase(name: string, phase: NonNullable<DataVolume['status']>['phase'], message?: string): void {
    const volume = this.made.find(({ metadata }) => metadata.name === name);
    const status = { phase, ...(message === undefined ? {} : { conditions: [{ type: 'Running', status: 'False', message }] }) };
    this.api.put(`${group}/datavolumes`, { ...volume, apiVersion: 'cdi.kubevirt.io/v1beta1', kind: 'DataVolume', metadata: { ...volume?.metadata, name, namespace: 'default' }, status } as KubeObject);
    this.#phases.set(name, phase ?? '');
  }
  readonly #phases = new Map<string, string>();

  async close(): Promise<void> {
    this.#proxy.closeAllConnections();
    this.#proxy.close();
    await this.api.close();
  }

  #answer({ method, path, body }: FakeRequest): FakeAnswer | undefined {
    const name = path.split('/').at(-1) ?? '';
    if (path === `${group}/cdiconfigs/config`) {
      return { status: 200, body: { status: this.#hasAddress ? { uploadProxyURL: `127.0.0.1:${this.proxyPort}`, uploadProxyCA: this.#ca } : {} } };
    }
    if (path === '/api/v1/pods') {
      const pod = { metadata: { name: 'cdi-uploadproxy-7c9f', namespace: 'cdi' }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
      return { status: 200, body: { items: [pod] } };
    }
    if (path === '/api/v1/namespaces/cdi/configmaps/cdi-uploadproxy-signer-bundle') return { status: 200, body: { data: { 'ca-bundle.crt': this.#ca } } };
    if (path === '/api/v1/namespaces/cdi/services') return { status: 200, body: { items: [{ metadata: { name: 'cdi-uploadproxy' }, spec: { type: 'ClusterIP', selector: { 'cdi.kubevirt.io': 'cdi-uploadproxy' } } }] } };
    if (path.endsWith('/uploadtokenrequests')) return this.#token(body as { spec: { pvcName: string } });
    if (!path.includes('/datavolumes')) return undefined;
    if (method === 'POST') {
      this.made.push(body as DataVolume);
      this.phase((body as DataVolume).metadata.name ?? '', this.firstPhase);
      return { status: 201, body };
    }
    if (method === 'DELETE') {
      this.removed.push(name);
      return { status: 200, body: {} };
    }
    if (method === 'GET' && this.#phases.has(name)) return { status: 200, body: { metadata: { name }, status: { phase: this.#phases.get(name) } } };
    return method === 'PATCH' ? { status: 200, body } : undefined;
  }

  #token({ spec }: { spec: { pvcName: string } }): FakeAnswer {
    const token = `token-${this.#tokens.size + 1}`;
    this.#tokens.set(token, { claim: spec.pvcName, at: Date.now() + this.passed });
    return { status: 200, body: { status: { token } } };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const say = (status: number, body = ''): void => void response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
    if (request.method === 'HEAD') { say(this.hasAsync && path === '/v1beta1/upload-async' ? 200 : 404); return; }
    const record: SeenUpload = { method: request.method ?? '', path, headers: request.headers, bytes: 0, sha256: '' };
    this.seen.push(record);
    const mischief = this.mischief.shift();
    const tunnelled = this.#tunnelPorts.has(request.socket.remotePort ?? 0);
    // Read on, so that the answer arrives before the line is cut.
    const refuse = (status: number, body: string): void => {
      say(status, body);
      request.resume();
    };
    if (!tunnelled && Number(request.headers['content-length']) > this.bodyLimit) { refuse(413, '<html><head><title>413 Request Entity Too Large</title></head></html>'); return; }
    const [, token] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
    if (token === undefined) { refuse(400, ''); return; }
    const known = this.#tokens.get(token);
    if (!known || Date.now() + this.passed - known.at > tokenMs) { refuse(401, ''); return; }
    if (mischief && 'status' in mischief) { refuse(mischief.status, mischief.body); return; }
    if (this.#phases.get(known.claim) === 'Succeeded') { refuse(503, `rejecting Upload Request for PVC ${known.claim} that already finished uploading`); return; }
    await this.#take(request, record, mischief);
    if (request.destroyed && !request.complete) return;
    say(200);
    this.phase(known.claim, 'Succeeded');
  }

  async #take(request: IncomingMessage, record: SeenUpload, mischief: Mischief | undefined): Promise<void> {
    const hash = createHash('sha256');
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        record.bytes += chunk.length;
        hash.update(chunk);
        if (Number.isFinite(this.diskRate)) await delay((chunk.length / this.diskRate) * 1000);
        if (mischief && 'cutAfter' in mischief && record.bytes >= mischief.cutAfter) request.socket.destroy();
      }
      record.sha256 = hash.digest('hex');
    } catch {
      // Cut off, by either side.
    }
  }

  /** What the kubelet does with a WebSocket (its pkg's cri/streaming/portforward). */
  #forward(socket: WebSocket, request: IncomingMessage): void {
    const { pathname, searchParams } = new URL(request.url ?? '', this.api.access.server);
    const allowed = request.headers.authorization === `Bearer ${this.api.token}` && pathname === '/api/v1/namespaces/cdi/pods/cdi-uploadproxy-7c9f/portforward';
    if (!allowed || searchParams.get('ports') !== '8443') { socket.terminate(); return; }
    this.tunnels += 1;
    const preface = (channel: number): Buffer => Buffer.of(channel, 8443 & 0xff, 8443 >> 8);
    socket.send(preface(0));
    socket.send(preface(1));
    const pod = connect(this.proxyPort, '127.0.0.1');
    pod.once('connect', () => this.#tunnelPorts.add(pod.localPort ?? 0));
    pod.on('data', (bytes) => socket.send(Buffer.concat([Buffer.of(0), bytes])));
    pod.on('close', () => socket.close()).on('error', () => socket.send(Buffer.concat([Buffer.of(1), Buffer.from('an error occurred forwarding 8443')])));
    socket.on('message', (message: Buffer) => {
      if (message[0] !== 0) throw new Error('Bytes for the pod came on another channel than its own.');
      if (!pod.write(message.subarray(1))) {
        socket.pause();
        pod.once('drain', () => socket.resume());
      }
    });
    socket.on('close', () => pod.destroy()).on('error', () => pod.destroy());
  }
}


