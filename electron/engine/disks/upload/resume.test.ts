import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rigImage } from '../../../../test/rig/images/rig-image.ts';
import { until } from '../../../../test/rig/until.ts';
import { startDisks, uploadOf, type DisksRig } from '../disks-rig.ts';
import { postFile } from './post-file.ts';

const MiB = 2 ** 20;
const iso = readFileSync(rigImage('netboot-iso'));
const digest = `sha-256=:${createHash('sha256').update(iso).digest('base64')}:`;

async function target(): Promise<DisksRig> {
  const rig = await startDisks();
  rig.volume('image', uploadOf('100Mi'));
  await rig.untilPhase('image', 'UploadReady');
  return rig;
}

async function begin(rig: DisksRig, method: string, headers: Record<string, string>): Promise<{ request: ClientRequest; answer: Promise<IncomingMessage> }> {
  const request = httpRequest(`${rig.address}/v1beta1/upload`, { method, agent: false, headers: { authorization: `Bearer ${await rig.token('image')}`, ...headers } });
  const answer = new Promise<IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject));
  answer.catch(() => undefined);
  return { request, answer };
}

async function send(rig: DisksRig, method: string, headers: Record<string, string> = {}, body?: Uint8Array): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> {
  const { request, answer } = await begin(rig, method, { ...headers, ...(body ? { 'content-length': String(body.length) } : {}) });
  request.end(body);
  const response = await answer;
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
}

const from = (offset: number, more: Record<string, string> = {}): Record<string, string> => ({
  'upload-offset': String(offset),
  'upload-complete': '?1',
  'upload-length': String(iso.length),
  ...more,
});
const offsetOf = async (rig: DisksRig): Promise<number> => Number((await send(rig, 'HEAD')).headers['upload-offset']);

/** Sends so many bytes of the file, and loses the connection. */
async function sendPart(rig: DisksRig, offset: number, bytes: number, more: Record<string, string> = {}): Promise<void> {
  const { request } = await begin(rig, 'PATCH', from(offset, { 'content-length': String(iso.length - offset), ...more }));
  request.on('error', () => undefined);
  const reached = new Promise((resolve) => request.write(iso.subarray(offset, offset + bytes), resolve));
  await reached;
  // Into the file, and not only into the socket.
  await until('the bytes to arrive', () => rig.fileNames().some((name) => statSync(`${rig.dataDir}/disks/${name}`).size >= offset + bytes / 2), 20_000);
  request.destroy();
}

describe('an upload that is cut off', () => {
  it('goes on from its last byte, also in the next engine, and becomes the same file', async () => {
    const rig = await target();
    expect(await send(rig, 'HEAD')).toMatchObject({ status: 204, headers: { 'upload-offset': '0', 'upload-complete': '?0' } });
    await sendPart(rig, 0, 20 * MiB, { 'repr-digest': digest });
    const first = await offsetOf(rig);
    expect(first).toBeGreaterThanOrEqual(10 * MiB);
    await rig.restart();
    expect(await send(rig, 'HEAD')).toMatchObject({ status: 204, headers: { 'upload-offset': String(first), 'upload-length': String(iso.length) } });
    await sendPart(rig, first, 10 * MiB);
    const second = await offsetOf(rig);
    expect(second).toBeGreaterThanOrEqual(first + 5 * MiB);
    expect(await send(rig, 'PATCH', from(second), iso.subarray(second))).toMatchObject({ status: 200, headers: { 'upload-complete': '?1' } });
    await rig.untilPhase('image', 'Succeeded');
    const found = rig.module.catalog.find('default', 'image');
    expect(found.state === 'ready' && readFileSync(found.file.path).equals(iso)).toBe(true);
    expect(rig.fileNames()).toHaveLength(1);
    expect(await send(rig, 'HEAD')).toMatchObject({ status: 204, headers: { 'upload-complete': '?1' } });
  });

  it('comes in parts where the sender wants it so', async () => {
    const rig = await target();
    const part = { 'upload-complete': '?0' };
    expect(await send(rig, 'PATCH', from(0, part), iso.subarray(0, MiB))).toMatchObject({ status: 204, headers: { 'upload-offset': String(MiB) } });
    expect(await send(rig, 'PATCH', from(MiB, part), iso.subarray(MiB, 3 * MiB))).toMatchObject({ status: 204, headers: { 'upload-offset': String(3 * MiB) } });
    expect((await send(rig, 'PATCH', from(3 * MiB), iso.subarray(3 * MiB))).status).toBe(200);
    expect(rig.events.map(({ reason }) => reason)).not.toContain('UploadFailed');
  });

  it('is gone on with at the right place and with the same file only', async () => {
    const rig = await target();
    await sendPart(rig, 0, 4 * MiB, { 'repr-digest': digest });
    const offset = await offsetOf(rig);
    const wrong = await send(rig, 'PATCH', from(0), iso);
    expect([wrong.status, wrong.headers['upload-offset']]).toEqual([409, String(offset)]);
    const longer = await send(rig, 'PATCH', from(offset, { 'upload-length': String(iso.length + 512) }), Buffer.concat([iso.subarray(offset), Buffer.alloc(512)]));
    expect([longer.status, longer.text]).toEqual([400, expect.stringContaining('another file')]);
    const other = await send(rig, 'PATCH', from(offset, { 'repr-digest': digest.replace(/=:.{3}/, '=:AAA') }), iso.subarray(offset));
    expect(other.status).toBe(400);
    expect(await offsetOf(rig)).toBe(offset);
    // The rest of another file of the same length shows by the digest that was given first.
    const mixed = await send(rig, 'PATCH', from(offset), Buffer.alloc(iso.length - offset, 1));
    expect([mixed.status, mixed.text]).toEqual([400, expect.stringContaining('another digest')]);
    expect(rig.fileNames()).toEqual([]);
  });

  it('is begun anew after DELETE, or by the plain way, and goes with its volume', async () => {
    const rig = await target();
    await sendPart(rig, 0, 4 * MiB);
    expect((await send(rig, 'DELETE')).status).toBe(204);
    expect(rig.fileNames()).toEqual([]);
    await sendPart(rig, 0, 4 * MiB);
    expect(await offsetOf(rig)).toBeGreaterThan(0);
    rig.resources.delete(rig.of('datavolumes'), 'default', 'image');
    await rig.until('persistentvolumeclaims', 'image', (object) => object === undefined);
    expect(rig.fileNames()).toEqual([]);
    rig.volume('image', uploadOf('100Mi'));
    await rig.untilPhase('image', 'UploadReady');
    await sendPart(rig, 0, 4 * MiB);
    expect(await offsetOf(rig)).toBeGreaterThan(0);
    expect(await postFile(rig, 'image', rigImage('ipxe-iso'))).toMatchObject({ status: 200 });
    expect(rig.fileNames()).toHaveLength(1);
  });

  it.each([
    ['no offset', { 'upload-complete': '?1' }, 'upload-offset'],
    ['no word of its end', { 'upload-offset': '0' }, 'upload-complete'],
    ['a length that is not its end', from(0, { 'upload-length': '5' }), 'upload-length'],
    ['a digest of another kind', { 'upload-offset': '0', 'upload-complete': '?1', 'repr-digest': 'md5=:AAAA:' }, 'repr-digest'],
  ])('is refused with %s', async (_what, headers, words) => {
    const rig = await target();
    const answer = await send(rig, 'PATCH', headers, iso.subarray(0, 100));
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(words)]);
  });
});

describe('a file of this computer', () => {
  const named = (path: string, more: Record<string, string> = {}): Record<string, string> => ({
    'upload-source': encodeURIComponent(path),
    'upload-source-modified': String(statSync(path).mtimeMs),
    'upload-length': String(statSync(path).size),
    'upload-complete': '?1',
    'upload-offset': '0',
    'content-length': '0',
    ...more,
  });
  /** A disk with one Linux partition. */
  const sourceFile = (bytes: number): string => {
    const folder = mkdtempSync(join(tmpdir(), 'hayloft source-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'dïsk.img');
    const sector = Buffer.alloc(512);
    sector.set([0x80, 0, 2, 0, 0x83, 0, 0, 0], 446);
    sector.writeUInt32LE(64, 454);
    sector.writeUInt32LE(bytes / 512 - 64, 458);
    sector.writeUInt16LE(0xaa55, 510);
    writeFileSync(path, sector);
    truncateSync(path, bytes - 3);
    appendFileSync(path, 'end');
    return path;
  };

  const pipeBeside = (path: string): string => {
    execFileSync('mkfifo', [`${path}.pipe`]);
    return `${path}.pipe`;
  };

  it('is read by the engine itself, as the answer to HEAD offers', async () => {
    const rig = await target();
    expect((await send(rig, 'HEAD')).headers['accept-upload-source']).toBe('file');
    const path = sourceFile(70 * MiB);
    expect(await send(rig, 'PATCH', named(path))).toMatchObject({ status: 200, headers: { 'upload-complete': '?1' } });
    await rig.untilPhase('image', 'Succeeded');
    const found = rig.module.catalog.find('default', 'image');
    expect(found.state === 'ready' && readFileSync(found.file.path).subarray(0, 70 * MiB).equals(readFileSync(path))).toBe(true);
    expect(rig.fileNames()).toHaveLength(1);
  });

  it('is gone on with where an earlier transfer of it ended', async () => {
    const rig = await target();
    await sendPart(rig, 0, 20 * MiB, { 'repr-digest': digest });
    const offset = await offsetOf(rig);
    expect(offset).toBeGreaterThan(0);
    const answer = await send(rig, 'PATCH', named(rigImage('netboot-iso'), { 'upload-offset': String(offset) }));
    expect(answer.status).toBe(200);
    await rig.untilPhase('image', 'Succeeded');
    const found = rig.module.catalog.find('default', 'image');
    expect(found.state === 'ready' && readFileSync(found.file.path).equals(iso)).toBe(true);
  });

  it.each<[string, (path: string) => Record<string, string>, number, string]>([
    ['it is not there', (path) => ({ 'upload-source': encodeURIComponent(`${path}.not`) }), 503, 'could not open'],
    ['it has changed since', () => ({ 'upload-source-modified': '5' }), 400, 'changed'],
    ['it is longer than was said', () => ({ 'upload-length': String(MiB) }), 400, 'changed'],
    ['it is a folder', () => ({ 'upload-source': encodeURIComponent(tmpdir()) }), 400, 'changed'],
    ['it is a pipe', (path) => ({ 'upload-source': encodeURIComponent(pipeBeside(path)) }), 400, 'changed'],
    ['its path is no whole one', () => ({ 'upload-source': 'disk.img' }), 400, 'upload-source'],
    ['its path is not encoded right', () => ({ 'upload-source': '%E0%A4%A' }), 400, 'upload-source'],
    ['its time is no number', () => ({ 'upload-source-modified': 'now' }), 400, 'upload-source-modified'],
    ['it is to be a part', () => ({ 'upload-complete': '?0' }), 400, 'upload-complete'],
  ])('is refused where %s, and leaves nothing', async (_what, more, status, words) => {
    const rig = await target();
    const path = sourceFile(2 * MiB);
    const answer = await send(rig, 'PATCH', named(path, more(path)));
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)]);
    expect(rig.fileNames()).toEqual([]);
  });

  it('is refused where it is larger than the disk, and where it is no image', async () => {
    const rig = await target();
    const large = await send(rig, 'PATCH', named(sourceFile(101 * MiB)));
    expect([large.status, large.text]).toEqual([400, expect.stringContaining('larger than')]);
    const text = sourceFile(MiB);
    writeFileSync(text, 'words '.repeat(1000));
    expect((await send(rig, 'PATCH', named(text))).status).toBe(400);
    expect(rig.fileNames()).toEqual([]);
  });
});
