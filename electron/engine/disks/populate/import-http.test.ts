import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DataVolume, DataVolumeSpec } from '#shared/kube/cdi.ts';
import { rigImage } from '../../../../test/rig/images/rig-image.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { configMaps } from '../../core/config-map.ts';
import { secrets } from '../../core/secret.ts';
import { serverNames } from '../../listen/addresses.ts';
import { ensureCertificates } from '../../tls/certificates.ts';
import { issue } from '../../tls/issue.ts';
import { startDisks } from '../disks-rig.ts';

const iso = rigImage('netboot-iso');
const size = statSync(iso).size;
const sha256 = createHash('sha256').update(readFileSync(iso)).digest('hex');

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const http = (url: string, more: object = {}): DataVolumeSpec => ({
  source: { http: { url, ...more } },
  storage: { resources: { requests: { storage: '64Mi' } } },
});
const sendAll = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-length': size });
  createReadStream(iso).pipe(response);
};
const words = (volume: DataVolume): string => volume.status?.conditions?.find(({ type }) => type === 'Running')?.message ?? '';

describe('imports over HTTP', () => {
  it('follow redirects, send headers, check the checksum and tell their progress', async () => {
    let rest: (() => void) | undefined;
    const address = await serve((request, response) => {
      if (request.url === '/latest') {
        response.writeHead(302, { location: '/file.iso' }).end();
        return;
      }
      expect(request.headers['x-key']).toBe('a: b');
      response.writeHead(200, { 'content-length': size });
      const content = readFileSync(iso);
      response.write(content.subarray(0, size / 2));
      rest = () => response.end(content.subarray(size / 2));
    });
    const rig = await startDisks();
    rig.volume('image', http(`${address}/latest`, { checksum: `sha256:${sha256}`, extraHeaders: ['X-Key: a: b'] }));
    const half = await rig.until<DataVolume>('datavolumes', 'image', (volume) => volume?.status?.progress === '50.00%');
    expect(half.status?.phase).toBe('ImportInProgress');
    rest?.();
    const volume = await rig.untilPhase('image', 'Succeeded');
    expect(volume.status?.progress).toBe('100.0%');
    expect(rig.module.catalog.find('default', 'image')).toMatchObject({ file: { format: 'raw', virtualSizeBytes: size } });
    expect(rig.events.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['ImportScheduled', 'ImportInProgress', 'ImportSucceeded']));
  });

  it.each([
    ['an error of the server', (response: ServerResponse) => response.writeHead(404).end('gone'), {}, /answered 404 Not Found/],
    ['a page in place of the image', (response: ServerResponse) => response.end('<!doctype html><html></html>'), {}, /web page/],
    ['another file than the checksum says', sendAll, { checksum: `sha256:${'0'.repeat(64)}` }, /checksum of the download is/],
  ] as const)('end with %s', async (_name, answer, more, expected) => {
    const address = await serve((_request, response) => void answer(response));
    const rig = await startDisks();
    rig.volume('image', http(`${address}/x`, more));
    expect(words(await rig.untilPhase('image', 'Failed'))).toMatch(expected);
    expect(rig.fileNames()).toEqual([]);
    expect(rig.events).toContainEqual(expect.objectContaining({ type: 'Warning', reason: 'ImportFailed' }));
    await rig.restart();
    expect(rig.resources.get(rig.of<DataVolume>('datavolumes'), 'default', 'image')?.status?.phase).toBe('Failed');
  });

  it('are tried again when the connection broke off', async () => {
    let attempts = 0;
    const address = await serve((_request, response) => {
      attempts += 1;
      if (attempts > 1) {
        sendAll(response);
        return;
      }
      response.writeHead(200, { 'content-length': size });
      response.write(readFileSync(iso).subarray(0, size / 4), () => response.destroy());
    });
    const rig = await startDisks();
    rig.volume('image', http(`${address}/x`));
    const between = await rig.until<DataVolume>('datavolumes', 'image', (volume) => volume?.status?.restartCount === 1);
    expect(words(between)).toContain('connection ended');
    await rig.untilPhase('image', 'Succeeded');
    expect(attempts).toBe(2);
    expect(rig.fileNames()).toHaveLength(1);
  });

  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)('wait for room on the host’s disk, and go on by themselves', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hayloft-small-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'hayloft-test', folder]);
    onTestFinished(() => {
      execFileSync('umount', ['-l', folder]);
      rmSync(folder, { recursive: true });
    });
    let attempts = 0;
    const address = await serve((_request, response) => {
      attempts += 1;
      sendAll(response);
    });
    const rig = await startDisks(join(folder, 'data'));
    rig.volume('image', http(`${address}/x`), { annotations: { 'hayloft.io/file-size': '1000' } });
    const without = await rig.until<DataVolume>('datavolumes', 'image', (volume) => volume?.status?.restartCount === 1);
    expect(without.status?.phase).toBe('ImportInProgress');
    expect(words(without)).toMatch(/48 MiB are needed and .* are free/);
    expect(rig.events).toContainEqual(expect.objectContaining({ type: 'Warning', reason: 'ImportFailed' }));
    execFileSync('mount', ['-o', 'remount,size=100m', folder]);
    await rig.untilPhase('image', 'Succeeded');
    expect(attempts).toBe(2);
  });

  /** Gives parts, and breaks off after the first quarter. */
  const breaking = (ranges: (string | undefined)[], etag: () => string) => (request: IncomingMessage, response: ServerResponse): void => {
    const { range, 'if-range': condition } = request.headers;
    ranges.push(range);
    const from = range !== undefined && condition === etag() ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': size - from,
      etag: etag(),
      ...(from > 0 ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {}),
    });
    if (ranges.length > 1) response.end(readFileSync(iso).subarray(from));
    else response.write(readFileSync(iso).subarray(0, size / 4), () => setTimeout(() => response.destroy(), 100));
  };

  it('go on from their last byte where the server gives parts, also in the next engine', async () => {
    const ranges: (string | undefined)[] = [];
    const address = await serve(breaking(ranges, () => '"one"'));
    const rig = await startDisks();
    rig.volume('image', http(`${address}/x`, { checksum: `sha256:${sha256}` }));
    await rig.until<DataVolume>('datavolumes', 'image', (volume) => volume?.status?.restartCount === 1);
    await rig.restart();
    await rig.untilPhase('image', 'Succeeded');
    expect(ranges).toEqual([undefined, `bytes=${size / 4}-`]);
    expect(rig.fileNames()).toHaveLength(1);
  });

  it('begin anew where the file has changed meanwhile', async () => {
    const ranges: (string | undefined)[] = [];
    let etag = '"one"';
    const address = await serve((request, response) => {
      breaking(ranges, () => etag)(request, response);
      etag = '"two"';
    });
    const rig = await startDisks();
    rig.volume('image', http(`${address}/x`, { checksum: `sha256:${sha256}` }));
    await rig.untilPhase('image', 'Succeeded');
    expect(ranges).toEqual([undefined, `bytes=${size / 4}-`]);
  });

  it('take name, password, headers and trust from where they are named, and keep them from other servers', async () => {
    const seen: IncomingMessage['headers'][] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers);
      sendAll(response);
    });
    const folder = mkdtempSync(join(tmpdir(), 'hayloft-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { ca, server: tls } = await ensureCertificates(folder, issue, serverNames([]));
    const server = createTlsServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
      seen.push(request.headers);
      response.writeHead(302, { location: `${other}/file.iso` }).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const rig = await startDisks();
    const named = (kind: 'Secret' | 'ConfigMap', name: string, values: object): void => {
      rig.resources.create<KubeObject>(kind === 'Secret' ? secrets : configMaps, { apiVersion: 'v1', kind, metadata: { name, namespace: 'default' }, ...values });
    };
    named('Secret', 'login', { stringData: { accessKeyId: 'me', secretKey: 'pass' } });
    named('Secret', 'header', { stringData: { one: 'X-Token: secret' } });
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
    rig.volume('image', http(address, { secretRef: 'login', secretExtraHeaders: ['header'], certConfigMap: 'trust', extraHeaders: ['X-Plain: yes'] }));
    const waiting = await rig.until<DataVolume>('datavolumes', 'image', (volume) => volume?.status?.restartCount === 1);
    expect(words(waiting)).toMatch(/ConfigMap "trust" that the import needs does not exist/);
    named('ConfigMap', 'trust', { data: { 'ca.crt': ca } });
    await rig.untilPhase('image', 'Succeeded');
    expect(seen[0]).toMatchObject({ authorization: `Basic ${Buffer.from('me:pass').toString('base64')}`, 'x-token': 'secret', 'x-plain': 'yes' });
    expect(seen[1]).toMatchObject({ 'x-plain': 'yes' });
    expect(Object.keys(seen[1] ?? {})).not.toEqual(expect.arrayContaining(['x-token']));
    expect(seen[1]).not.toHaveProperty('authorization');
  });

  it('unpack what is packed, after its checksum as the server has it', async () => {
    const packed = gzipSync(readFileSync(rigImage('ipxe-iso')));
    const address = await serve((_request, response) => void response.end(packed));
    const rig = await startDisks();
    rig.volume('image', http(`${address}/x.iso.gz`, { checksum: `sha256:${createHash('sha256').update(packed).digest('hex')}` }));
    await rig.untilPhase('image', 'Succeeded');
    expect(rig.module.catalog.find('default', 'image')).toMatchObject({ file: { virtualSizeBytes: statSync(rigImage('ipxe-iso')).size } });
  });

  it('end without debris when their volume is deleted', async () => {
    const address = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': size });
      response.write(readFileSync(iso).subarray(0, size / 2));
    });
    const rig = await startDisks();
    rig.volume('image', http(`${address}/x`));
    await rig.untilPhase('image', 'ImportInProgress');
    rig.resources.delete(rig.of('datavolumes'), 'default', 'image');
    await rig.until('persistentvolumeclaims', 'image', (object) => object === undefined);
    expect(rig.fileNames()).toEqual([]);
  });
});
