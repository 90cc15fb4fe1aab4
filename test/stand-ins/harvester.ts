/**
 * A stand-in for Harvester's images, for tests: VirtualMachineImages, and the upload action of its two backends with the form
 * fields, the sectors and the states of harvester's pkg/image and Longhorn's backing-image-manager. It stores nothing: it hashes.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { failure, FakeApiServer, type FakeAnswer, type FakeRequest } from '../../electron/backend/clusters/fake-api-server.ts';
import type { VirtualMachineImage } from '../../shared/kube/harvester.ts';
import type { Condition, KubeObject } from '../../shared/kube/object.ts';

const list = '/apis/harvesterhci.io/v1beta1/virtualmachineimages';
const serviceProxy = '/api/v1/namespaces/harvester-system/services/https:harvester:8443/proxy/v1/';

export interface SeenForm {
  path: string;
  headers: IncomingHttpHeaders;
  /** The form's parts, with their own headers. */
  part: { name: string; fileName: string; bytes: number; sha256: string } | undefined;
  body: Buffer;
}

export class HarvesterStandIn {
  readonly api: FakeApiServer;
  readonly seen: SeenForm[] = [];
  readonly made: VirtualMachineImage[] = [];
  readonly removed: string[] = [];
  /** Of images that do not name one. */
  backend: 'backingimage' | 'cdi' = 'backingimage';
  /** Conditions that an image has from its making on. */
  atFirst: Condition[] = [{ type: 'Initialized', status: 'True' }];
  /** Taken in turn, one by each upload's request. */
  mischief: ({ status: number; body: string } | { cutAfter: number })[] = [];
  /** What becomes of an image whose bytes have come. */
  afterwards: (image: VirtualMachineImage) => void = (image) => this.tell(image, { progress: 100, conditions: [...this.atFirst, { type: 'Imported', status: 'True' }] });

  private constructor(api: FakeApiServer) {
    this.api = api;
    api.answer = (request) => this.#answer(request);
    const others = api.server.listeners('request');
    api.server.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.url?.includes('action=upload')) void this.#take(request, response);
      else for (const listener of others) listener.call(api.server, request, response);
    });
  }

  static async start(): Promise<HarvesterStandIn> {
    return new HarvesterStandIn(await FakeApiServer.start());
  }

  /** Its controllers say how an image is. */
  tell(image: VirtualMachineImage, status: VirtualMachineImage['status']): void {
    this.api.put(list, { ...image, status } as KubeObject);
  }

  #answer({ method, path, body }: FakeRequest): FakeAnswer | undefined {
    const name = path.split('/').at(-1) ?? '';
    if (path === '/apis') return { status: 200, body: { groups: [{ name: 'kubevirt.io' }, { name: 'harvesterhci.io' }] } };
    if (path === '/apis/harvesterhci.io/v1beta1/namespaces/default/virtualmachineimages') {
      if (method !== 'POST') return { status: 200, body: { items: this.made } };
      const image = body as VirtualMachineImage;
      if (this.made.some(({ spec }) => spec.displayName === image.spec.displayName)) return { status: 422, body: failure(422, 'Invalid', 'A resource with the same name exists') };
      const stored = { ...image, spec: { ...image.spec, backend: this.backend } };
      this.made.push(stored);
      this.tell(stored, { progress: 0, conditions: this.atFirst });
      return { status: 201, body: stored };
    }
    if (!path.includes('/virtualmachineimages/')) return undefined;
    const at = this.made.findIndex(({ metadata }) => metadata.name === name);
    const image = this.made[at];
    if (!image) return { status: 404, body: failure(404, 'NotFound', 'not found') };
    if (method === 'DELETE') {
      this.removed.push(name);
      this.made.splice(at, 1);
      this.api.remove(list, 'default', name);
    }
    return { status: 200, body: image };
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.api.access.server);
    const form: SeenForm = { path: url.pathname, headers: request.headers, part: undefined, body: Buffer.alloc(0) };
    this.seen.push(form);
    const say = (status: number, body = ''): void => {
      response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
      request.resume();
    };
    const image = this.made.find(({ metadata }) => url.pathname === `${serviceProxy}harvesterhci.io.virtualmachineimages/default/${metadata.name}`);
    if (request.headers.authorization !== `Bearer ${this.api.token}`) { say(401, 'Unauthorized'); return; }
    if (!image) { say(404, 'not found'); return; }
    const mischief = this.mischief.shift();
    if (mischief && 'status' in mischief) { say(mischief.status, mischief.body); return; }
    const size = Number(url.searchParams.get('size'));
    if (this.backend === 'backingimage' && size % 512 !== 0) { say(500, `the uploaded file size ${size} should be a multiple of 512 bytes since Longhorn uses directIO by default`); return; }
    const parts: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        parts.push(chunk);
        bytes += chunk.length;
        if (mischief && 'cutAfter' in mischief && bytes >= mischief.cutAfter) request.socket.destroy();
      }
    } catch {
      // What came is of no use, and its image with it.
      this.tell(image, { conditions: [...this.atFirst, { type: 'Imported', status: 'False', message: 'failed to copy request body' }] });
      return;
    }
    form.body = Buffer.concat(parts);
    form.part = readForm(request.headers['content-type'] ?? '', form.body);
    const field = this.backend === 'cdi' ? 'file' : 'chunk';
    if (form.part?.name !== field || form.part.bytes !== size) { say(500, `no part ${field} of ${size} bytes`); return; }
    say(200);
    this.afterwards(image);
  }
}

/** The one part that is in it (RFC 7578). */
function readForm(contentType: string, body: Buffer): SeenForm['part'] {
  const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(contentType)?.[1] ?? '';
  const [start, end] = [Buffer.from(`--${boundary}\r\n`), Buffer.from(`\r\n--${boundary}--\r\n`)];
  const headEnd = body.indexOf('\r\n\r\n');
  if (boundary === '' || !body.subarray(0, start.length).equals(start) || !body.subarray(-end.length).equals(end) || headEnd > 512) return undefined;
  const [, name = '', fileName = ''] = /content-disposition: form-data; name="([^"]*)"; filename="([^"]*)"/i.exec(body.toString('latin1', start.length, headEnd)) ?? [];
  const content = body.subarray(headEnd + 4, body.length - end.length);
  return { name, fileName, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}
