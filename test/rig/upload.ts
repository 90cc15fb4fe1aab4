/** Puts image files into a running engine, the way any client of CDI does. */
import { openAsBlob } from 'node:fs';
import { Agent, request } from 'node:https';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { EngineClient } from './engine-client.ts';
import { until } from './until.ts';

/** Makes a DataVolume of this size and uploads the file into it; resolves when it has succeeded. */
export async function uploadImage(engine: EngineClient, name: string, file: string, storage: string): Promise<void> {
  const volumes = '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes';
  await engine.api('POST', volumes, {
    apiVersion: 'cdi.kubevirt.io/v1beta1',
    kind: 'DataVolume',
    metadata: { name },
    spec: { source: { upload: {} }, storage: { resources: { requests: { storage } } } },
  });
  const phase = async (): Promise<string | undefined> =>
    (await engine.api('GET', `${volumes}/${name}`)).json<{ status?: { phase?: string } }>().status?.phase;
  await until(`${name} to take an upload`, async () => (await phase()) === 'UploadReady');
  const answer = await engine.api('POST', '/apis/upload.cdi.kubevirt.io/v1beta1/namespaces/default/uploadtokenrequests', {
    apiVersion: 'upload.cdi.kubevirt.io/v1beta1',
    kind: 'UploadTokenRequest',
    metadata: { name },
    spec: { pvcName: name },
  });
  const blob = await openAsBlob(file);
  const status = await new Promise<number>((resolve, reject) => {
    const sending = request(`${engine.endpoint}/v1beta1/upload`, {
      method: 'POST',
      agent: new Agent({ ca: engine.ca }),
      headers: { authorization: `Bearer ${answer.json<{ status: { token: string } }>().status.token}`, 'content-length': blob.size },
    });
    sending.on('response', (response) => resolve(response.resume().statusCode ?? 0)).on('error', reject);
    Readable.fromWeb(blob.stream() as ReadableStream).pipe(sending);
  });
  if (status !== 200) throw new Error(`The upload of ${file} was answered with ${status}.`);
  await until(`${name} to succeed`, async () => (await phase()) === 'Succeeded');
}
