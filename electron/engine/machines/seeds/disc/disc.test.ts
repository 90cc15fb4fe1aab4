import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDisc } from './disc.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'hayloft-disc-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const when = new Date('2026-05-06T07:08:09Z');

function write(label: string, files: Record<string, string>): string {
  const path = join(folder, 'disc.iso');
  const contents = new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]));
  writeFileSync(path, makeDisc({ label, files: contents }, when));
  return path;
}

const isoinfo = (...args: string[]): string => execFileSync('isoinfo', args, { encoding: 'utf8' });

describe('a disc', () => {
  const files = {
    'meta-data': '{"instance-id":"a"}',
    'user-data': '#cloud-config\n',
    'network-config': 'version: 2\n',
    'empty': '',
    'openstack/latest/meta_data.json': '{}',
    'openstack/latest/user_data': 'x'.repeat(5000),
  };

  it('is read by isoinfo in its three directories', () => {
    const path = write('cidata', files);
    expect(isoinfo('-d', '-i', path)).toMatch(/Volume id: cidata\n[^]*Joliet with UCS level 3[^]*Rock Ridge signatures version 1/);
    expect(isoinfo('-R', '-f', '-i', path).trim().split('\n').sort()).toEqual(
      ['/openstack', '/openstack/latest', ...Object.keys(files).map((name) => `/${name}`)].sort(),
    );
    expect(isoinfo('-J', '-f', '-i', path)).toContain('/openstack/latest/meta_data.json');
    expect(isoinfo('-R', '-x', '/openstack/latest/user_data', '-i', path)).toBe(files['openstack/latest/user_data']);
    expect(isoinfo('-J', '-x', '/user-data;1', '-i', path)).toBe(files['user-data']);
  });

  it('is taken out whole by xorriso, and its label is found by blkid', () => {
    const path = write('config-2', files);
    const out = join(folder, 'out');
    execFileSync('xorriso', ['-osirrox', 'on', '-indev', path, '-extract', '/', out], { stdio: 'pipe' });
    for (const [name, text] of Object.entries(files)) expect(readFileSync(join(out, name), 'utf8')).toBe(text);
    expect(execFileSync('/sbin/blkid', ['-p', '-s', 'LABEL', '-o', 'value', path], { encoding: 'utf8' }).trim()).toBe('config-2');
    execFileSync('chmod', ['-R', 'u+w', out]);
  });

  it('holds more files than one sector has room for, with names that look alike in capitals', () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`a-rather-long-name-number-${index}.conf`, `${index}`]));
    const path = write('cfgdata', many);
    expect(isoinfo('-R', '-f', '-i', path).trim().split('\n')).toHaveLength(150);
    expect(isoinfo('-J', '-x', '/a-rather-long-name-number-149.conf;1', '-i', path)).toBe('149');
    expect(new Set(isoinfo('-f', '-i', path).trim().split('\n')).size).toBe(150);
  });

  it('says which name is too long', () => {
    expect(() => makeDisc({ label: 'x', files: new Map([['n'.repeat(200), Buffer.alloc(1)]]) }, when)).toThrow(/too long for a file's name/);
  });
});
