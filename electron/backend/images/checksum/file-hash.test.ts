import { createHash, randomFillSync } from 'node:crypto';
import { appendFileSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityOf, refuseChanged, type FileIdentity } from '../file-identity.ts';
import { FileHash } from './file-hash.ts';

const content = randomFillSync(Buffer.alloc(5 * 2 ** 20 + 17));
const sum = createHash('sha256').update(content).digest('hex');
let folder: string;
let path: string;
let identity: FileIdentity;
let hash: FileHash;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hash-'));
  path = join(folder, 'disk.img');
  writeFileSync(path, content);
  identity = identityOf(path, statSync(path));
});
afterEach(() => {
  hash.end();
  rmSync(folder, { recursive: true });
});

describe('the checksum of an upload', () => {
  it('is that of the file, wherever the sender is', async () => {
    hash = new FileHash(identity);
    hash.reached(3);
    hash.reached(content.length);
    expect(await hash.finish()).toBe(sum);
  });

  it('is that of bytes that come but once', async () => {
    hash = new FileHash();
    const piece = Buffer.alloc(2 ** 18);
    for (let at = 0; at < content.length; at += piece.length) {
      // The same buffer again and again, as a reader does.
      const bytes = piece.subarray(0, content.copy(piece, 0, at));
      await hash.take(bytes);
    }
    expect(await hash.finish()).toBe(sum);
  });

  it('is none where the file grew, or another was put in its place', async () => {
    hash = new FileHash(identity);
    appendFileSync(path, 'more');
    await expect(hash.finish()).rejects.toMatchObject({ code: 'truncated' });
    await expect(refuseChanged(identity)).rejects.toMatchObject({ code: 'truncated' });

    writeFileSync(`${path}.new`, content);
    utimesSync(`${path}.new`, statSync(path).atimeMs / 1000, identity.modifiedMs / 1000);
    renameSync(`${path}.new`, path);
    await expect(refuseChanged(identity)).rejects.toMatchObject({ code: 'truncated' });
  });

  it('fails where the file is gone', async () => {
    rmSync(path);
    hash = new FileHash(identity);
    await expect(hash.finish()).rejects.toMatchObject({ code: 'truncated' });
  });
});
