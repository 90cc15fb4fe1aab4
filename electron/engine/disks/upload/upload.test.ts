import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { qcow2WithBackingFile, rawImage, textIso, truncatedIso } from '../../../../test/rig/images/bad-images.ts';
import { rigImage } from '../../../../test/rig/images/rig-image.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import { UPLOAD_CONTENT_ANNOTATION } from '#shared/kube/labels.ts';
import { startDisks, uploadOf, blank, type DisksRig } from '../disks-rig.ts';
import type { DiskFile } from '../types.ts';
import { beginPost, postFile } from './post-file.ts';
import { createUploadTokens } from './token.ts';

const MiB = 1024 * 1024;
const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-upload-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function target(storage: string, name = 'image'): Promise<DisksRig> {
  const rig = await startDisks();
  rig.volume(name, uploadOf(storage));
  await rig.untilPhase(name, 'UploadReady');
  return rig;
}

function ready(rig: DisksRig, name = 'image'): DiskFile {
  const found = rig.module.catalog.find('default', name);
  if (found.state !== 'ready') throw new Error(JSON.stringify(found));
  return found.file;
}

const isRunning = (volume: DataVolume | undefined): boolean =>
  volume?.status?.conditions?.some(({ type, status }) => type === 'Running' && status === 'True') === true;

describe('uploads', () => {
  it('stores an ISO as it is, however much room was asked for', async () => {
    const rig = await target('100Mi');
    const iso = rigImage('netboot-iso');
    expect(await postFile(rig, 'image', iso)).toMatchObject({ status: 200 });
    const volume = await rig.untilPhase('image', 'Succeeded');
    expect(volume.status?.progress).toBe('N/A');
    const file = ready(rig);
    expect(file).toMatchObject({ format: 'raw', virtualSizeBytes: statSync(iso).size });
    expect(digest(file.path)).toBe(digest(iso));
    expect(rig.fileNames()).toHaveLength(1);
    expect(rig.events.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['UploadScheduled', 'UploadReady', 'UploadSucceeded']));
    expect(await postFile(rig, 'image', iso)).toMatchObject({ status: 409, code: 'conflict' });
  });

  it('grows a raw disk to what was asked for, without a Content-Length, too', async () => {
    const rig = await target('8Mi');
    const raw = rawImage(temporary(), 3 * MiB + 512);
    expect(await postFile(rig, 'image', raw, { sizeBytes: null })).toMatchObject({ status: 200 });
    await rig.untilPhase('image', 'Succeeded');
    expect(ready(rig)).toMatchObject({ format: 'raw', virtualSizeBytes: 8 * MiB });
    expect(readFileSync(ready(rig).path).subarray(0, 3 * MiB + 512).equals(readFileSync(raw))).toBe(true);
  });

  it('checks a QCOW2 disk and grows it', async () => {
    const rig = await target('100Mi');
    expect(await postFile(rig, 'image', rigImage('shell-disk'))).toMatchObject({ status: 200 });
    await rig.untilPhase('image', 'Succeeded');
    expect(ready(rig)).toMatchObject({ format: 'qcow2', virtualSizeBytes: 100 * MiB });
  });

  it.each(['vmdk', 'vdi', 'vhdx', 'vpc'])('converts %s to QCOW2', async (format) => {
    const rig = await target('128Mi');
    const path = join(temporary(), `disk.${format}`);
    execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', format, rigImage('shell-disk'), path]);
    expect(await postFile(rig, 'image', path, { path: '/v1beta1/upload-async' })).toMatchObject({ status: 200 });
    await rig.untilPhase('image', 'Succeeded');
    expect(ready(rig)).toMatchObject({ format: 'qcow2', virtualSizeBytes: 128 * MiB });
    execFileSync('qemu-img', ['resize', '-q', '--shrink', '-f', 'qcow2', ready(rig).path, String(virtualSize(rigImage('shell-disk')))]);
    execFileSync('qemu-img', ['compare', '-q', '-f', 'qcow2', '-F', 'qcow2', ready(rig).path, rigImage('shell-disk')]);
    expect(rig.fileNames()).toHaveLength(1);
  });
});

describe('a disk that its sender knows', () => {
  const plain = (): Buffer => {
    const bytes = Buffer.alloc(3 * MiB);
    bytes.write('no partitions, no image', 2 * MiB);
    return bytes;
  };
  const known = async (value: string): Promise<DisksRig> => {
    const rig = await startDisks();
    rig.volume('image', uploadOf('3Mi'), { annotations: { [UPLOAD_CONTENT_ANNOTATION]: value } });
    await rig.untilPhase('image', 'UploadReady');
    return rig;
  };

  it.each([['raw', (bytes: Buffer) => bytes], ['packed', gzipSync]] as const)('is taken whatever is on it, %s', async (_name, packed) => {
    const rig = await known('disk');
    expect(await postFile(rig, 'image', packed(plain()))).toMatchObject({ status: 200 });
    await rig.untilPhase('image', 'Succeeded');
    expect(readFileSync(ready(rig).path).equals(plain())).toBe(true);
  });

  it('is refused where nobody says so', async () => {
    expect(await postFile(await known('image'), 'image', plain())).toMatchObject({ status: 400, code: 'not-an-image' });
  });
});

const virtualSize = (path: string): number =>
  (JSON.parse(execFileSync('qemu-img', ['info', '--output=json', path], { encoding: 'utf8' })) as { 'virtual-size': number })['virtual-size'];

describe('what is no image, or does not fit', () => {
  const cutQcow2 = (folder: string): string => {
    const path = join(folder, 'cut.qcow2');
    execFileSync('qemu-img', ['convert', '-O', 'qcow2', rigImage('shell-disk'), path]);
    execFileSync('truncate', ['-s', '-4M', path]);
    return path;
  };
  it.each([
    ['text', textIso, 400, 'not-an-image', /text file/],
    ['half an ISO', (folder: string) => truncatedIso(folder, rigImage('netboot-iso')), 400, 'truncated', /incomplete/],
    ['a QCOW2 that opens another file', qcow2WithBackingFile, 400, 'unsupported', /backing file/],
    ['half a QCOW2', cutQcow2, 400, 'truncated', /incomplete or damaged/],
    ['a raw disk larger than the claim', (folder: string) => rawImage(folder, 101 * MiB), 400, 'too-large', /larger than the reported available storage/],
  ] as const)('%s', async (_name, make, status, code, words) => {
    const rig = await target('100Mi');
    const answer = await postFile(rig, 'image', make(temporary()));
    expect(answer).toMatchObject({ status, code });
    expect(answer.message).toMatch(words);
    expect(rig.fileNames()).toEqual([]);
    const volume = await rig.until<DataVolume>('datavolumes', 'image', (object) => object?.status?.restartCount === 1);
    expect(volume.status?.phase).toBe('UploadReady');
    expect(rig.events).toContainEqual(expect.objectContaining({ type: 'Warning', reason: 'UploadFailed' }));
    // And the same volume takes the right file afterwards.
    expect(await postFile(rig, 'image', rigImage('ipxe-iso'))).toMatchObject({ status: 200 });
    await rig.untilPhase('image', 'Succeeded');
  });

  it('is told early, before all of it was sent', async () => {
    const rig = await target('10Gi');
    const { request, answer } = await beginPost(rig, 'image', { sizeBytes: 5 * 1024 * MiB });
    request.on('error', () => undefined);
    request.write(Buffer.alloc(300 * 1024, 'text\n'));
    expect(await answer).toMatchObject({ status: 400, code: 'not-an-image' });
    request.destroy();
  });

  it('a qcow2 whose disk is larger than the claim, though its file is small', async () => {
    const rig = await target('10Mi');
    const path = join(temporary(), 'wide.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, '1G']);
    expect(await postFile(rig, 'image', path)).toMatchObject({ status: 400, code: 'too-large' });
  });
});

describe('uploads that break off', () => {
  it('leave nothing behind, and the volume waits for another', async () => {
    const rig = await target('100Mi');
    const { request, answer } = await beginPost(rig, 'image', { sizeBytes: 50 * MiB });
    answer.catch(() => undefined);
    request.on('error', () => undefined);
    request.write(readFileSync(rigImage('netboot-iso')).subarray(0, 8 * MiB));
    await rig.until<DataVolume>('datavolumes', 'image', isRunning);
    expect(await postFile(rig, 'image', rigImage('ipxe-iso'))).toMatchObject({ status: 503 });
    request.destroy();
    await rig.until<DataVolume>('datavolumes', 'image', (object) => object?.status?.restartCount === 1);
    expect(rig.fileNames()).toEqual([]);
    expect(await postFile(rig, 'image', rigImage('ipxe-iso'))).toMatchObject({ status: 200 });
  });

  it('because the volume is deleted, leave nothing behind', async () => {
    const rig = await target('100Mi');
    const { request, answer } = await beginPost(rig, 'image', { sizeBytes: 50 * MiB });
    request.write(readFileSync(rigImage('netboot-iso')).subarray(0, 8 * MiB));
    await rig.until<DataVolume>('datavolumes', 'image', isRunning);
    rig.resources.delete(rig.of('datavolumes'), 'default', 'image');
    await rig.until('persistentvolumeclaims', 'image', (object) => object === undefined);
    expect(rig.fileNames()).toEqual([]);
    expect(await answer).toMatchObject({ status: 409, code: 'cancelled' });
    request.destroy();
  });
});

describe('who may upload', () => {
  it('only bearers of a token that is well-formed, ours and fresh', async () => {
    const rig = await target('100Mi');
    const iso = rigImage('ipxe-iso');
    expect(await postFile(rig, 'image', iso, { authorization: 'Basic x' })).toMatchObject({ status: 400 });
    expect(await postFile(rig, 'image', iso, { authorization: `Bearer ${createUploadTokens().issue({ namespace: 'default', claimName: 'image' })}` })).toMatchObject({ status: 401 });
    const token = await rig.token('image');
    expect(await postFile(rig, 'image', iso, { authorization: `Bearer ${token.slice(0, -2)}xx` })).toMatchObject({ status: 401 });
    const [header = '', , signature = ''] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ namespace: 'default', pvcName: 'other', exp: 9e9 })).toString('base64url');
    expect(await postFile(rig, 'image', iso, { authorization: `Bearer ${header}.${forged}.${signature}` })).toMatchObject({ status: 401 });
  });

  it('for five minutes', () => {
    let now = 1_000_000_000_000;
    const tokens = createUploadTokens(() => now);
    const token = tokens.issue({ namespace: 'a', claimName: 'b' });
    now += 299_000;
    expect(tokens.verify(token)).toEqual({ namespace: 'a', claimName: 'b' });
    now += 2000;
    expect(tokens.verify(token)).toBeUndefined();
  });

  it('into upload targets only', async () => {
    const rig = await startDisks();
    rig.volume('blank', blank('1Mi'));
    await rig.untilPhase('blank', 'Succeeded');
    const answer = await postFile(rig, 'blank', rigImage('ipxe-iso'));
    expect(answer).toMatchObject({ status: 503 });
    expect(answer.message).toContain('not an upload target');
    await expect(rig.token('nothing')).rejects.toMatchObject({ code: 404 });
  });

  it('answers HEAD on the asynchronous path, by which clients find it', async () => {
    const rig = await startDisks();
    expect((await fetch(`${rig.address}/v1alpha1/upload-async`, { method: 'HEAD' })).status).toBe(200);
  });
});

describe('a disk that fills up', () => {
  const isRoot = process.getuid?.() === 0;
  it.skipIf(!isRoot)('(a small tmpfs; needs root to mount) is told up front or on the way, and nothing is left', async () => {
    const folder = temporary();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'hayloft-test', folder]);
    onTestFinished(() => {
      execFileSync('umount', ['-l', folder]);
    });
    const rig = await startDisks(join(folder, 'data'));
    rig.volume('image', uploadOf('100Mi'), { annotations: { 'hayloft.io/file-size': '1000' } });
    await rig.untilPhase('image', 'UploadReady');
    const iso = rigImage('netboot-iso');
    const upFront = await postFile(rig, 'image', iso);
    expect(upFront).toMatchObject({ status: 507, code: 'no-space' });
    expect(upFront.message).toMatch(/48 MiB are needed and .* are free/);
    const onTheWay = await postFile(rig, 'image', iso, { sizeBytes: null });
    expect(onTheWay).toMatchObject({ status: 507, code: 'no-space' });
    expect(onTheWay.message).toMatch(/disk is full/);
    expect(rig.fileNames()).toEqual([]);
    // What a conversion would need counts, too.
    const vdi = join(temporary(), 'disk.vdi');
    execFileSync('qemu-img', ['convert', '-O', 'vdi', rigImage('shell-disk'), vdi]);
    expect(await postFile(rig, 'image', vdi)).toMatchObject({ status: 507, code: 'no-space' });
    expect(rig.fileNames()).toEqual([]);
  });
});
