import { describe, expect, it } from 'vitest';
import { FILE_SIZE_ANNOTATION } from '#shared/kube/labels.ts';
import type { CdiConfig, DataVolumeSpec } from '#shared/kube/cdi.ts';
import { ApiError } from '../api/errors.ts';
import { blank, claim, startDisks, uploadOf } from './disks-rig.ts';

function refusal(work: () => unknown): ApiError {
  try {
    work();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

const http = (url: string, more: object = {}): DataVolumeSpec => ({ ...blank('1Gi'), source: { http: { url, ...more } } });

describe('what is refused', () => {
  it.each([
    ['no source', { ...blank('1Gi'), source: {} }, 'spec.source'],
    ['two sources', { ...blank('1Gi'), source: { blank: {}, upload: {} } }, 'spec.source'],
    ['neither storage nor pvc', { source: { upload: {} } }, 'spec'],
    ['both storage and pvc', { ...blank('1Gi'), pvc: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }, 'spec'],
    ['no size', { source: { blank: {} }, storage: {} }, 'spec.storage.resources.requests.storage'],
    ['a size of zero', blank('0'), 'spec.storage.resources.requests.storage'],
    ['an unknown class', { source: { blank: {} }, storage: { storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } } }, 'spec.storage.storageClassName'],
    ['a file address', http('file:///etc/passwd'), 'spec.source.http.url'],
    ['half a checksum', http('http://127.0.0.1/x', { checksum: 'sha256:abc' }), 'spec.source.http.checksum'],
    ['a header with a line break', http('http://127.0.0.1/x', { extraHeaders: ['X: a\r\nY: b'] }), 'spec.source.http.extraHeaders[0]'],
    ['archives', { ...blank('1Gi'), contentType: 'archive' }, 'spec.contentType'],
  ] as [string, DataVolumeSpec, string][])('%s', async (_name, spec, field) => {
    const rig = await startDisks();
    const { code, details } = refusal(() => rig.volume('root', spec));
    expect([code, details?.causes?.map((cause) => cause.field)]).toEqual([422, [field]]);
  });

  it('a name that a claim has already', async () => {
    const rig = await startDisks();
    rig.resources.create(rig.of('persistentvolumeclaims'), claim('root', '1Mi'));
    expect(refusal(() => rig.volume('root', blank('1Mi')))).toMatchObject({ code: 409, reason: 'AlreadyExists' });
  });

  it('an upload that cannot fit, by the size of its file; blank disks may be larger than what is free', async () => {
    const rig = await startDisks();
    const { message, details } = refusal(() => rig.volume('huge', uploadOf('900Ti')));
    expect(message).toMatch(/900 TiB are needed and .* are free/);
    expect(details?.causes?.[0]?.reason).toBe('no-space');
    rig.volume('thin', uploadOf('900Ti'), { annotations: { [FILE_SIZE_ANNOTATION]: '1000000' } });
    rig.volume('blank', blank('900Gi'));
  });

  it('a change of what a volume is', async () => {
    const rig = await startDisks();
    rig.volume('root', blank('1Mi'));
    const change = (): unknown =>
      rig.resources.change(rig.of('datavolumes'), 'default', 'root', (draft) => Object.assign(draft, { spec: blank('2Mi') }));
    expect(refusal(change).code).toBe(422);
  });
});

describe('what is always there', () => {
  it('a default storage class and the address of uploads', async () => {
    const rig = await startDisks();
    expect(rig.resources.get(rig.of('storageclasses'), undefined, 'hayloft-local')).toMatchObject({
      provisioner: 'hayloft.io/local',
      reclaimPolicy: 'Delete',
      allowVolumeExpansion: true,
      metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    });
    const config = rig.resources.get(rig.of<CdiConfig>('cdiconfigs'), undefined, 'config');
    expect(config?.status).toEqual({ uploadProxyURL: 'https://127.0.0.1:1', uploadProxyCA: 'PEM' });
  });
});
