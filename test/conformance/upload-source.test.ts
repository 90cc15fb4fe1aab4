/** A file of the engine's computer is named by programs of the same computer only. */
import { statSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { EngineClient } from '../rig/engine-client.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { useEngine } from './conformance-engine.ts';

const engine = useEngine();

it('is refused by the port, which others may reach, too', async () => {
  const api: EngineClient['api'] = (...words) => engine.rig.api(...words);
  const volumes = '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes';
  await api('POST', volumes, {
    apiVersion: 'cdi.kubevirt.io/v1beta1',
    kind: 'DataVolume',
    metadata: { name: 'image' },
    spec: { source: { upload: {} }, storage: { resources: { requests: { storage: '100Mi' } } } },
  });
  const phase = async (): Promise<string | undefined> => (await api('GET', `${volumes}/image`)).json<{ status?: { phase?: string } }>().status?.phase;
  await until('the volume to take an upload', async () => (await phase()) === 'UploadReady');
  const request = await api('POST', '/apis/upload.cdi.kubevirt.io/v1beta1/namespaces/default/uploadtokenrequests', {
    apiVersion: 'upload.cdi.kubevirt.io/v1beta1',
    kind: 'UploadTokenRequest',
    metadata: { name: 'image' },
    spec: { pvcName: 'image' },
  });
  const authorization = `Bearer ${request.json<{ status: { token: string } }>().status.token}`;
  const offer = await api('HEAD', '/v1beta1/upload', undefined, { authorization });
  expect([offer.status, offer.headers['upload-offset'], offer.headers['accept-upload-source']]).toEqual([204, '0', undefined]);
  const path = rigImage('ipxe-iso');
  const answer = await api('PATCH', '/v1beta1/upload', undefined, {
    authorization,
    'upload-source': encodeURIComponent(path),
    'upload-source-modified': String(statSync(path).mtimeMs),
    'upload-length': String(statSync(path).size),
    'upload-offset': '0',
    'upload-complete': '?1',
  });
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('upload-source is for programs of this computer')]);
  expect(await phase()).toBe('UploadReady');
});
