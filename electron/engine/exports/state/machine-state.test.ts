import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { hasState, packState, unpackState } from './machine-state.ts';
import { readTar, writeTar } from './tar.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'hayloft-state-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const machine = (uid: string, name: string): VirtualMachine => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name, uid },
  spec: { template: { spec: { domain: { firmware: { uuid: 'u-u-i-d', bootloader: { efi: { persistent: true, secureBoot: false } } }, devices: { tpm: { persistent: true } } } } } },
});
const variables = '/usr/share/OVMF/OVMF_VARS_4M.fd';

it('carries a TPM and variables from one machine to another, in files that tar reads', () => {
  const kept = join(folder, 'kept');
  const content = readFileSync(variables);
  content.write('remembered', 100);
  mkdirSync(join(kept, 'one.tpm'), { recursive: true });
  writeFileSync(join(kept, 'one.tpm', 'tpm2-00.permall'), 'sealed');
  writeFileSync(join(kept, 'one.fd'), content);
  expect([hasState(kept, machine('one', 'pear')), hasState(kept, machine('two', 'plum'))]).toEqual([true, false]);
  const archive = packState(kept, machine('one', 'pear'));
  writeFileSync(join(folder, 'state.tar.gz'), archive);
  expect(execFileSync('tar', ['-tzf', join(folder, 'state.tar.gz')], { encoding: 'utf8' })).toBe('nvram/pear_VARS.fd\nswtpm/u-u-i-d/tpm2/tpm2-00.permall\n');
  unpackState(kept, machine('two', 'plum'), archive);
  expect(readFileSync(join(kept, 'two.fd')).equals(content)).toBe(true);
  expect(readFileSync(join(kept, 'two.tpm', 'tpm2-00.permall'), 'utf8')).toBe('sealed');
});

it('takes what tar itself packs, with folders in it', () => {
  mkdirSync(join(folder, 'swtpm', 'x', 'tpm2'), { recursive: true });
  writeFileSync(join(folder, 'swtpm', 'x', 'tpm2', 'tpm2-00.permall'), 'sealed');
  const archive = execFileSync('tar', ['-czf', '-', '-C', folder, './swtpm']);
  unpackState(join(folder, 'kept'), machine('two', 'plum'), archive);
  expect(readFileSync(join(folder, 'kept', 'two.tpm', 'tpm2-00.permall'), 'utf8')).toBe('sealed');
});

it('refuses what holds nothing of it, is cut off, damaged or of another firmware, and changes nothing then', () => {
  const kept = join(folder, 'kept');
  const give = (archive: Buffer): (() => void) => () => unpackState(kept, machine('two', 'plum'), archive);
  const whole = writeTar([{ name: 'nvram/pear_VARS.fd', content: Buffer.alloc(1000) }]);
  expect(give(Buffer.from('hello'))).toThrow('no packed tar archive');
  expect(give(gzipSync(whole.subarray(0, 900)))).toThrow('no packed tar archive');
  expect(give(gzipSync(writeTar([{ name: 'nvram/../../evil', content: Buffer.from('x') }])))).toThrow('holds no state');
  expect(give(gzipSync(whole))).toThrow('another build');
  const spoiled = Buffer.from(whole);
  spoiled.write('9', 130);
  expect(() => readTar(spoiled)).toThrow('damaged');
  const plain = machine('two', 'plum');
  plain.spec.template.spec.domain = { devices: {} };
  expect(() => unpackState(kept, plain, gzipSync(whole))).toThrow('keeps no state');
  expect(hasState(kept, machine('two', 'plum'))).toBe(false);
});
