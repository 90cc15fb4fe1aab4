import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropAbsorbed, hasAbsorbed, noteAbsorbed } from './absorbed.ts';
import { mergeOffline } from './offline.ts';
import { dropSecondNames, mergesIn } from './plan.ts';

const a = '00000000-0000-4000-8000-00000000000a';
const b = '00000000-0000-4000-8000-00000000000b';
let folder: string;
const at = (name: string): string => join(folder, name);
const overlay = (name: string, base: string): string => String(execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', base.endsWith('.raw') ? 'raw' : 'qcow2', '-b', base, at(name)]));
const write = (name: string, value: number, offset: string, length: string): string =>
  String(execFileSync('qemu-io', ['-f', name.endsWith('.raw') ? 'raw' : 'qcow2', '-c', `write -q -P ${value} ${offset} ${length}`, at(name)]));
const holds = (name: string, value: number, offset: string, length: string): boolean =>
  !execFileSync('qemu-io', ['-r', '-f', 'qcow2', '-c', `read -P ${value} ${offset} ${length}`, at(name)], { encoding: 'utf8' }).includes('Pattern verification failed');
const needs = (...names: string[]) => (path: string): boolean => names.some((name) => at(name) === path);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-merge-'));
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', at(`${a}.qcow2`), '8M']);
  write(`${a}.qcow2`, 1, '0', '4M');
  overlay(`${a}.1.qcow2`, `${a}.qcow2`);
  write(`${a}.1.qcow2`, 2, '1M', '1M');
  overlay(`${a}.2.qcow2`, `${a}.1.qcow2`);
  write(`${a}.2.qcow2`, 3, '2M', '512k');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('what may be merged', () => {
  it('is what nobody holds and one other is based on, the smaller into the larger', async () => {
    expect(mergesIn(folder, needs(`${a}.qcow2`, `${a}.1.qcow2`, `${a}.2.qcow2`))).toEqual([]);
    const [merge, ...others] = mergesIn(folder, needs(`${a}.1.qcow2`, `${a}.2.qcow2`));
    expect(others).toEqual([]);
    expect(merge).toMatchObject({ lower: at(`${a}.qcow2`), upper: at(`${a}.1.qcow2`), how: 'commit' });
    if (!merge) return;
    await mergeOffline(merge, {});
    expect(existsSync(at(`${a}.qcow2`))).toBe(false);
    expect([holds(`${a}.1.qcow2`, 1, '0', '1M'), holds(`${a}.1.qcow2`, 2, '1M', '1M'), holds(`${a}.1.qcow2`, 1, '2M', '2M')]).toEqual([true, true, true]);
    expect([holds(`${a}.2.qcow2`, 3, '2M', '512k'), holds(`${a}.2.qcow2`, 2, '1M', '1M')]).toEqual([true, true]);
  });

  it('is not what two are based on, nor what something is still made of', () => {
    overlay(`${b}.qcow2`, `${a}.qcow2`);
    expect(mergesIn(folder, needs(`${a}.1.qcow2`, `${a}.2.qcow2`, `${b}.qcow2`))).toEqual([]);
    rmSync(at(`${b}.qcow2`));
    overlay(`${b}.new.partial`, `${a}.qcow2`);
    expect(mergesIn(folder, needs(`${a}.1.qcow2`, `${a}.2.qcow2`))).toEqual([]);
  });

  it('takes in what is raw, or smaller, and keeps its name', async () => {
    execFileSync('qemu-img', ['create', '-q', '-f', 'raw', at(`${b}.raw`), '4M']);
    write(`${b}.raw`, 5, '0', '1M');
    overlay(`${b}.1.qcow2`, `${b}.raw`);
    write(`${b}.1.qcow2`, 6, '512k', '64k');
    const merge = mergesIn(folder, needs(`${a}.qcow2`, `${a}.1.qcow2`, `${a}.2.qcow2`, `${b}.1.qcow2`))[0];
    expect(merge).toMatchObject({ lower: at(`${b}.raw`), upper: at(`${b}.1.qcow2`), how: 'absorb' });
    if (!merge) return;
    await mergeOffline(merge, {});
    expect(existsSync(at(`${b}.raw`))).toBe(false);
    expect([holds(`${b}.1.qcow2`, 5, '0', '512k'), holds(`${b}.1.qcow2`, 6, '512k', '64k'), holds(`${b}.1.qcow2`, 5, '576k', '448k')]).toEqual([true, true, true]);
  });

  it('leaves no second names', () => {
    linkSync(at(`${a}.2.qcow2`), at(`${b}.qcow2`));
    dropSecondNames(folder, needs(`${a}.qcow2`, `${a}.1.qcow2`, `${a}.2.qcow2`));
    expect([existsSync(at(`${b}.qcow2`)), existsSync(at(`${a}.2.qcow2`))]).toEqual([false, true]);
  });
});

describe('what was taken in', () => {
  it('goes with its note when the engine and the guest ended in between', () => {
    noteAbsorbed(at(`${a}.1.qcow2`));
    execFileSync('qemu-img', ['rebase', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', `${a}.qcow2`, at(`${a}.2.qcow2`)]);
    dropAbsorbed(folder, needs(`${a}.2.qcow2`));
    expect([existsSync(at(`${a}.1.qcow2`)), existsSync(at(`${a}.qcow2`)), hasAbsorbed(folder)]).toEqual([false, true, false]);
    expect([holds(`${a}.2.qcow2`, 3, '2M', '512k'), holds(`${a}.2.qcow2`, 2, '1M', '1M')]).toEqual([true, true]);
  });

  it('stays as long as something is based on it, or it is somebody\'s, and so does what nobody made a note of', () => {
    noteAbsorbed(at(`${a}.1.qcow2`));
    dropAbsorbed(folder, needs(`${a}.2.qcow2`));
    expect([existsSync(at(`${a}.1.qcow2`)), hasAbsorbed(folder)]).toEqual([true, false]);
    noteAbsorbed(at(`${a}.2.qcow2`));
    dropAbsorbed(folder, needs(`${a}.2.qcow2`));
    dropAbsorbed(folder, needs());
    expect([existsSync(at(`${a}.2.qcow2`)), hasAbsorbed(folder)]).toEqual([true, false]);
  });

  it('leaves no note after a merge', async () => {
    const upper = at(`${a}.2.qcow2`);
    await mergeOffline({ lower: at(`${a}.1.qcow2`), upper, how: 'absorb', bytes: 0 }, {});
    expect([hasAbsorbed(folder), existsSync(at(`${a}.1.qcow2`)), holds(`${a}.2.qcow2`, 2, '1M', '1M')]).toEqual([false, false, true]);
  });
});
