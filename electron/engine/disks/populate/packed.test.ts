import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGzip, gzipSync } from 'node:zlib';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { DataVolume } from '#shared/kube/cdi.ts';
import { rawImage } from '../../../../test/rig/images/bad-images.ts';
import { rigImage } from '../../../../test/rig/images/rig-image.ts';
import { startDisks, uploadOf, type DisksRig } from '../disks-rig.ts';
import { beginPost, postFile } from '../upload/post-file.ts';

const MiB = 2 ** 20;

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-packed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function target(storage: string): Promise<DisksRig> {
  const rig = await startDisks();
  rig.volume('image', uploadOf(storage));
  await rig.untilPhase('image', 'UploadReady');
  return rig;
}

/** Packs a file with the packer's own program, in little time. */
const pack = (program: string, path: string): Buffer => execFileSync(program, ['-1', '-c', path], { maxBuffer: 1 << 28 });

describe('packed images', () => {
  it.each(['gzip', 'xz', 'zstd'])('a raw disk in %s is unpacked and grows to what was asked for', async (program) => {
    const raw = rawImage(temporary(), MiB);
    truncateSync(raw, 6 * MiB + 512);
    const rig = await target('8Mi');
    expect(await postFile(rig, 'image', pack(program, raw))).toMatchObject({ status: 200 });
    await rig.untilPhase('image', 'Succeeded');
    const found = rig.module.catalog.find('default', 'image');
    if (found.state !== 'ready') throw new Error(found.state);
    expect(found.file).toMatchObject({ format: 'raw', virtualSizeBytes: 8 * MiB });
    expect(readFileSync(found.file.path).subarray(0, 6 * MiB + 512).equals(readFileSync(raw))).toBe(true);
    // Its zeros take no room.
    expect(found.file.allocatedBytes).toBeLessThan(2 * MiB);
    expect(rig.fileNames()).toHaveLength(1);
  });

  it.each(['vmdk', 'qcow2'])('a %s disk in xz is unpacked and converted', async (format) => {
    const folder = temporary();
    const path = join(folder, 'disk');
    execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', format, rigImage('shell-disk'), path]);
    const rig = await target('100Mi');
    expect(await postFile(rig, 'image', pack('xz', path))).toMatchObject({ status: 200 });
    await rig.untilPhase('image', 'Succeeded');
    const found = rig.module.catalog.find('default', 'image');
    if (found.state !== 'ready') throw new Error(found.state);
    expect(found.file.format).toBe('qcow2');
    // Larger by what was asked for, and else the same.
    execFileSync('qemu-img', ['compare', '-q', '-f', 'qcow2', '-F', 'qcow2', found.file.path, rigImage('shell-disk')]);
  });
});

describe('packed files that are refused, and leave nothing', () => {
  it.each([
    ['cut off', () => pack('gzip', rigImage('ipxe-iso')).subarray(0, 300_000), 'truncated', /gzip file is incomplete or damaged/],
    ['cut off, in xz', () => pack('xz', rigImage('ipxe-iso')).subarray(0, 300_000), 'truncated', /xz file is incomplete or damaged/],
    ['text', () => gzipSync('only words\n'.repeat(50_000)), 'not-an-image', /text file/],
    ['packed twice', () => gzipSync(gzipSync(readFileSync(rigImage('ipxe-iso')))), 'unsupported', /compressed with gzip/],
  ] as const)('%s', async (_name, make, code, words) => {
    const rig = await target('100Mi');
    const answer = await postFile(rig, 'image', make());
    expect(answer).toMatchObject({ status: 400, code });
    expect(answer.message).toMatch(words);
    await rig.until<DataVolume>('datavolumes', 'image', (object) => object?.status?.restartCount === 1);
    expect(rig.fileNames()).toEqual([]);
  });

  it('a bomb, as soon as it does not fit', async () => {
    const head = readFileSync(rawImage(temporary(), MiB));
    const zeros = Buffer.alloc(4 * MiB);
    // 20 GiB of zeros in 20 MB.
    const bomb = Readable.from((function* () {
      yield head;
      for (let count = 0; count < 5 * 1024; count++) yield zeros;
    })()).pipe(createGzip({ level: 1 }));
    const path = join(temporary(), 'bomb.gz');
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of bomb as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > 8 * MiB) break;
    }
    writeFileSync(path, Buffer.concat(chunks));
    const rig = await target('64Mi');
    const answer = await postFile(rig, 'image', path);
    expect(answer).toMatchObject({ status: 400, code: 'too-large' });
    expect(rig.fileNames()).toEqual([]);
  });

  it('a file that is packed and still larger than the disk that was asked for', async () => {
    const rig = await target('1Mi');
    const { request, answer } = await beginPost(rig, 'image', { sizeBytes: 100 * MiB });
    request.on('error', () => undefined);
    request.write(Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(300 * 1024, 7)]));
    expect(await answer).toMatchObject({ status: 400, code: 'too-large' });
    request.destroy();
  });
});
