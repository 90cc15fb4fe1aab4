/** What is sent to a proxy that tells how far an upload has come. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClusterConnection } from '../clusters/connection.ts';
import { FakeApiServer, selfSigned } from '../clusters/fake-api-server.ts';
import { sendImage } from './send.ts';

const identity = selfSigned();
const content = Buffer.alloc(2 ** 20, 'bytes');
const source = {
  head: content,
  sizeBytes: content.length,
  chunks: () => chunksFrom(0),
  chunksFrom: (offset: number) => chunksFrom(offset),
};
// eslint-disable-next-line @typescript-eslint/require-await -- as a file's are
async function* chunksFrom(offset: number): AsyncGenerator<Uint8Array> {
  if (offset < content.length) yield content.subarray(offset);
}

let api: FakeApiServer;
let cluster: ClusterConnection;
/** Of each PATCH: where it begins, and how long it is. */
let came: string[];

beforeEach(async () => {
  came = [];
  api = await FakeApiServer.start(0, identity);
  api.answer = ({ path }) => {
    if (path.endsWith('/cdiconfigs/config')) return { status: 200, body: { status: { uploadProxyURL: api.access.server } } };
    return path.endsWith('/uploadtokenrequests') ? { status: 201, body: { status: { token: 'upload' } } } : undefined;
  };
  cluster = new ClusterConnection({ id: 'fake', name: 'Fake', local: false, changed: () => undefined, warn: () => undefined });
  cluster.connect(api.access);
});
afterEach(async () => {
  cluster.close();
  await api.close();
});

/** A proxy that answers each HEAD with the next of these, and to each PATCH what `take` does. */
function proxy(told: [offset: number, complete: '?0' | '?1'][], take: (request: IncomingMessage, response: ServerResponse) => void): void {
  const others = api.server.listeners('request');
  api.server.removeAllListeners('request').on('request', (request, response) => {
    const { url = '', method, headers } = request;
    if (!url.startsWith('/v1beta1/upload')) for (const listener of others) listener.call(api.server, request, response);
    else if (method !== 'HEAD') {
      came.push(`${String(headers['upload-offset'])}+${String(headers['content-length'])}`);
      request.resume().on('end', () => take(request, response));
    } else if (url.endsWith('-async')) response.end();
    else {
      const [offset, complete] = told.shift() ?? [0, '?0'];
      response.writeHead(204, { 'upload-offset': offset, 'upload-complete': complete }).end();
    }
  });
}

const send = (): Promise<void> => sendImage(() => cluster.client(), { namespace: 'default', claim: 'disk' }, source, { signal: new AbortController().signal, progress: () => undefined });

it('asks by an empty request for the end of an upload that was cut off after its last byte, until there is a disk', async () => {
  proxy([[0, '?0'], [content.length, '?0'], [content.length, '?0'], [content.length, '?1']], ({ socket }) => socket.destroy());
  await send();
  expect(came).toEqual([`0+${content.length}`, `${content.length}+0`, `${content.length}+0`]);
});

it('tells what that request is told', async () => {
  const answers = [undefined, 400];
  proxy([[0, '?0'], [content.length, '?0']], ({ socket }, response) => {
    const status = answers.shift();
    if (status === undefined) socket.destroy();
    else response.writeHead(status).end(JSON.stringify({ kind: 'Status', message: 'The image is damaged.', details: { causes: [{ reason: 'truncated' }] } }));
  });
  await expect(send()).rejects.toMatchObject({ code: 'truncated', message: 'The image is damaged.' });
});

it('sends nothing where the disk is made already', async () => {
  proxy([[content.length, '?1']], (_request, response) => response.writeHead(409).end());
  await send();
  expect(came).toEqual([]);
});
