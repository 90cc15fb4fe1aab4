import { expect, it } from 'vitest';
import { catalogEntry } from '../contract/catalog.ts';
import { fileNameOf, imageUrl, looksLikeUrl, mirrored } from './addresses.ts';
import { knownImages } from './catalog.ts';
import { checksumOf, publishedSum } from './checksums.ts';

const short = 'a1'.repeat(32);
const long = 'B2'.repeat(64);

it('lists images that each can be had, by a name of its own', () => {
  expect(new Set(knownImages.map(({ id }) => id)).size).toBe(knownImages.length);
  for (const entry of knownImages) {
    expect(() => catalogEntry.parse({ ...entry, own: false })).not.toThrow();
    expect([entry.url, entry.page].filter((address) => address?.startsWith('https://'))).toHaveLength(1);
    // Where this computer does not reach a server, the disk in the image is taken from here.
    if (entry.url !== undefined && entry.kind === 'disk') expect(entry.diskBytes).toBeGreaterThan(0);
  }
});

it.each([
  ['coreutils', `${short}  other.img\n${long} *./disk.qcow2\n`, `sha512:${long.toLowerCase()}`],
  ['BSD and Fedora', `# comment\nSHA256 (disk.qcow2) = ${short}\n`, `sha256:${short}`],
  ['a sum alone', `${short}\n`, `sha256:${short}`],
  ['another file', `${short}  other.qcow2\n`, undefined],
  ['a page', '<html>404</html>', undefined],
])('reads published checksums: %s', (_name, text, sum) => {
  expect(publishedSum(text, 'disk.qcow2')).toBe(sum);
});

it('takes a checksum as it is pasted', () => {
  expect(checksumOf(` SHA256:${short} `)).toBe(`sha256:${short}`);
  expect(checksumOf(long)).toBe(`sha512:${long.toLowerCase()}`);
  expect(checksumOf('abc')).toBeUndefined();
});

it.each(['file:///etc/shadow', 'ftp://a/b.iso', 'nothing', 'javascript:alert(1)', 'http://user:secret@host/disk.img'])('sends no cluster to %s', (text) => {
  expect(() => imageUrl(text)).toThrow(expect.objectContaining({ code: 'bad-input', field: 'url' }));
});

it('knows addresses, and what is behind them by name', () => {
  expect(looksLikeUrl('https://a.example/b.iso\n')).toBe(true);
  expect(looksLikeUrl('see https://a.example/b.iso')).toBe(false);
  expect(fileNameOf(new URL('https://a.example/x/My%20disk.iso?x=1'))).toBe('My disk.iso');
  expect(fileNameOf(new URL('https://a.example/x/%2e%2e%2fetc%0A%FF'))).not.toContain('/');
  expect(fileNameOf(new URL('https://a.example/'))).toBe('a.example');
  expect(fileNameOf(new URL(`https://a.example/${'x'.repeat(400)}`))).toHaveLength(255);
});

it('finds files on a mirror, each server’s in a folder of its own', () => {
  expect(mirrored('https://cloud.debian.org/images/x.img', 'http://nas:8080/mirror/')).toBe('http://nas:8080/mirror/cloud.debian.org/images/x.img');
  expect(mirrored('https://cloud.debian.org/images/x.img', undefined)).toBe('https://cloud.debian.org/images/x.img');
});
