/** Downloads over real HTTP from a server that can cut them off. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { diskSize, downloadPacked, downloadRaw, type RawOptions, type Stored } from './download.ts';
import type { Fetch } from './export-door.ts';

const mebibyte = 2 ** 20;
const never = new AbortController().signal;
const fetch: Fetch = (url, headers) => new Promise((resolve, reject) => void get(url, { headers, agent: false }, resolve).on('error', reject));
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Much of it is empty, and a stretch longer than what is made certain at a time is not. */
function disk(): Buffer {
  const bytes = Buffer.alloc(160 * mebibyte);
  randomBytes(100 * mebibyte).copy(bytes, 2 * mebibyte);
  return bytes;
}

async function serve(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/disk.img`;
}

function target(): { to: string; options: RawOptions; stored: Stored[] } {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-download-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const stored: Stored[] = [];
  const to = join(folder, 'disk.img');
  const onStored = (now: Stored): Promise<void> => Promise.resolve(void stored.push(now));
  return { to, stored, options: { to, signal: never, progress: () => undefined, stored: undefined, fixedIdentity: undefined, onStored } };
}

describe('a raw disk', () => {
  /** Cuts its first answer off near the end. */
  const fragile = (bytes: Buffer, etags: string[], ranges: (string | undefined)[]): Promise<string> =>
    serve((request, response) => {
      const etag = `"${etags[ranges.length] ?? etags.at(-1) ?? ''}"`;
      const { range, 'if-range': ifRange } = request.headers;
      ranges.push(range);
      const from = range !== undefined && (ifRange === undefined || ifRange === etag) ? Number(/^bytes=(\d+)-$/.exec(range)?.[1]) : 0;
      response.writeHead(from > 0 ? 206 : 200, { etag, 'content-length': bytes.length - from });
      if (ranges.length > 1) response.end(bytes.subarray(from));
      else response.write(bytes.subarray(0, 90 * mebibyte), () => response.destroy());
    });

  it('goes on from what is certain after it was cut off, and leaves empty stretches out', async () => {
    const bytes = disk();
    const ranges: (string | undefined)[] = [];
    const url = await fragile(bytes, ['same'], ranges);
    const { to, options, stored } = target();
    await expect(downloadRaw(fetch, url, options)).rejects.toThrow();
    expect(stored.at(-1)?.bytes).toBeGreaterThanOrEqual(64 * mebibyte);
    const certain = stored.at(-1);
    // What lies beyond the certain bytes is worth nothing.
    writeFileSync(to, randomBytes(100), { flag: 'a' });
    expect(await downloadRaw(fetch, url, { ...options, stored: certain })).toEqual({ sizeBytes: bytes.length, fileBytes: bytes.length, sha256: digest(bytes) });
    expect(readFileSync(to).equals(bytes)).toBe(true);
    expect(statSync(to).blocks * 512).toBeLessThan(120 * mebibyte);
    expect(ranges).toEqual([undefined, `bytes=${certain?.bytes ?? 0}-`]);
  });

  it('begins anew where the disk is another one by now', async () => {
    const bytes = disk();
    const url = await fragile(bytes, ['one', 'other'], []);
    const { to, options, stored } = target();
    await expect(downloadRaw(fetch, url, options)).rejects.toThrow();
    expect(await downloadRaw(fetch, url, { ...options, stored: stored.at(-1) })).toMatchObject({ sha256: digest(bytes) });
    expect(readFileSync(to).equals(bytes)).toBe(true);
  });

  it('tells its size without being sent', async () => {
    const url = await serve((_request, response) => response.writeHead(206, { 'content-range': 'bytes 0-0/1234567', 'content-length': 1 }).end('x'));
    expect(await diskSize(fetch, url, never)).toBe(1234567);
  });
});

describe('a packed disk', () => {
  const bytes = disk().subarray(0, 8 * mebibyte);
  const packed = Buffer.concat([gzipSync(bytes.subarray(0, mebibyte)), gzipSync(bytes.subarray(mebibyte))]);
  const from = (content: Buffer): Promise<string> => serve((_request, response) => response.end(content));

  it('is stored as it comes, in several members, and counted as it unpacks', async () => {
    const { to, options } = target();
    let counted = 0;
    const done = await downloadPacked(fetch, await from(packed), bytes.length, { ...options, progress: (count) => (counted = count) });
    expect(done).toEqual({ sizeBytes: bytes.length, fileBytes: packed.length, sha256: digest(packed) });
    expect(readFileSync(to).equals(packed)).toBe(true);
    expect(counted).toBe(bytes.length);
  });

  it('is refused where it is not the whole disk, or does not unpack', async () => {
    const { options } = target();
    await expect(downloadPacked(fetch, await from(gzipSync(bytes.subarray(0, mebibyte))), bytes.length, options)).rejects.toMatchObject({ code: 'connection-lost' });
    await expect(downloadPacked(fetch, await from(packed.subarray(0, -100)), bytes.length, options)).rejects.toMatchObject({ code: 'truncated' });
    await expect(downloadPacked(fetch, await from(Buffer.from('no gzip')), bytes.length, options)).rejects.toMatchObject({ code: 'truncated' });
  });
});
