import { describe, expect, it } from 'vitest';
import { isSumFile, readSums, sumFor } from './sums.ts';

const a = 'a'.repeat(64);
const b = 'b'.repeat(64);

describe('checksums', () => {
  it('are read as coreutils, BSD and publishers write them', () => {
    const sums = readSums(`# comment\n${a}  debian.iso\n${b.toUpperCase()} *./images/disk.qcow2\r\nSHA256 (Fedora.raw.xz) = ${a}\n${'c'.repeat(128)}  sha512.iso\n`);
    expect([...sums.byName]).toEqual([['debian.iso', a], ['disk.qcow2', b], ['Fedora.raw.xz', a]]);
    expect(sumFor(sums, 'disk.qcow2')).toBe(b);
    expect(sumFor(sums, 'other.iso')).toBeUndefined();
  });

  it('that stand alone are meant for whatever they are said of', () => {
    expect(sumFor(readSums(` sha256:${a}\n`), 'any.iso')).toBe(a);
    // Of a list only the line of that name is meant.
    expect(sumFor(readSums(`${a}\n${b}  some.iso`), 'any.iso')).toBeUndefined();
    expect(sumFor(readSums('no sum at all'), 'any.iso')).toBeUndefined();
  });

  it('are in files that are called so, and are small', () => {
    const sized = (name: string, size = 500): boolean => isSumFile({ name, size });
    expect(['SHA256SUMS', 'alpine.iso.sha256', 'Fedora-41-CHECKSUM', 'sha256sum.txt', 'CHECKSUM.SHA256'].map((name) => sized(name))).toEqual([true, true, true, true, true]);
    expect([sized('disk.iso'), sized('SHA256SUMS.gpg'), sized('SHA256SUMS', 2 ** 30)]).toEqual([false, false, false]);
  });
});
