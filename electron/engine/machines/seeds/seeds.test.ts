import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ConfigMap, Secret } from '#shared/kube/core.ts';
import type { VirtualMachineInstance, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { checkSeeds } from './admission.ts';
import { makeSeeds, seedReferences, type SeedSources } from './seeds.ts';

const secret = (data: Record<string, string>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {},
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
});

const spec = (rest: Partial<VirtualMachineInstanceSpec>): VirtualMachineInstanceSpec => ({
  domain: { devices: {}, firmware: { uuid: '2b6c4c0e-0000-4000-8000-000000000001' } },
  ...rest,
});

const vmi = (rest: Partial<VirtualMachineInstanceSpec>): VirtualMachineInstance => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstance',
  metadata: { name: 'web', namespace: 'home', uid: 'another' },
  spec: spec(rest),
});

const sources = (secrets: Record<string, Secret> = {}, configMaps: Record<string, ConfigMap> = {}): SeedSources => ({
  secret: (name) => secrets[name],
  configMap: (name) => configMaps[name],
});

/** What a real reader finds on the disc: its label and its files. */
function read(instance: VirtualMachineInstance, from: SeedSources): { label: string; files: Record<string, string> } {
  const made = makeSeeds(instance, from, new Date());
  if ('waiting' in made) throw new Error(made.waiting);
  const [image = new Uint8Array()] = made.discs.values();
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-seed-'));
  try {
    const path = join(folder, 'seed.iso');
    writeFileSync(path, image);
    const isoinfo = (...args: string[]): string => execFileSync('isoinfo', [...args, '-i', path], { encoding: 'utf8' });
    const names = isoinfo('-R', '-f').trim().split('\n').filter((name) => !['', '/openstack', '/openstack/latest'].includes(name));
    return {
      label: /Volume id: (.*)/.exec(isoinfo('-d'))?.[1] ?? '',
      files: Object.fromEntries(names.map((name) => [name.slice(1), isoinfo('-R', '-x', name)])),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('cloud-init’s NoCloud', () => {
  it('has the machine’s metadata, the user’s data and keys from Secrets', () => {
    const instance = vmi({
      hostname: 'shop',
      volumes: [{ name: 'seed', cloudInitNoCloud: { secretRef: { name: 'user' }, networkDataBase64: Buffer.from('version: 2').toString('base64') } }],
      accessCredentials: [{ sshPublicKey: { source: { secret: { secretName: 'keys' } }, propagationMethod: { noCloud: {} } } }],
    });
    const { label, files } = read(instance, sources({ user: secret({ userdata: '#cloud-config\n' }), keys: secret({ a: 'ssh-ed25519 AAA\n', b: 'ssh-ed25519 BBB' }) }));
    expect(label).toBe('cidata');
    expect(JSON.parse(files['meta-data'] ?? '')).toEqual({
      'instance-id': '2b6c4c0e-0000-4000-8000-000000000001',
      'local-hostname': 'shop',
      'public-keys': { 0: 'ssh-ed25519 AAA', 1: 'ssh-ed25519 BBB' },
    });
    expect(files['user-data']).toBe('#cloud-config\n');
    expect(files['network-config']).toBe('version: 2');
    expect(seedReferences(instance)).toEqual({ secrets: new Set(['user', 'keys']), configMaps: new Set() });
  });

  it('waits for a Secret, and for a key in it', () => {
    const instance = vmi({ volumes: [{ name: 'seed', cloudInitNoCloud: { secretRef: { name: 'user' } } }] });
    expect(makeSeeds(instance, sources(), new Date())).toEqual({ waiting: 'The Secret user does not exist.' });
    expect(makeSeeds(instance, sources({ user: secret({ other: '' }) }), new Date())).toHaveProperty('waiting');
    const byAgent = vmi({ accessCredentials: [{ userPassword: { source: { secret: { secretName: 'passwords' } }, propagationMethod: { qemuGuestAgent: {} } } }] });
    expect(makeSeeds(byAgent, sources(), new Date())).toEqual({ waiting: 'The Secret passwords does not exist.' });
    expect(seedReferences(byAgent).secrets).toEqual(new Set(['passwords']));
  });
});

describe('cloud-init’s ConfigDrive', () => {
  it('has OpenStack’s file names', () => {
    const { label, files } = read(vmi({ volumes: [{ name: 'seed', cloudInitConfigDrive: { userData: 'u', networkData: '{}' } }] }), sources());
    expect(label).toBe('config-2');
    expect(files['openstack/latest/user_data']).toBe('u');
    expect(files['openstack/latest/network_data.json']).toBe('{}');
    expect(JSON.parse(files['openstack/latest/meta_data.json'] ?? '')).toEqual({
      instance_id: 'web.home',
      hostname: 'web',
      uuid: '2b6c4c0e-0000-4000-8000-000000000001',
    });
  });
});

describe('other discs', () => {
  it('hold answer files, ConfigMaps and Secrets under their labels', () => {
    const from = sources({ s: secret({ 'autounattend.xml': '<a/>' }) }, { c: { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { text: 't' }, binaryData: { bytes: 'AAE=' } } });
    expect(read(vmi({ volumes: [{ name: 'a', sysprep: { secret: { name: 's' } } }] }), from)).toEqual({ label: 'sysprep', files: { 'autounattend.xml': '<a/>' } });
    expect(read(vmi({ volumes: [{ name: 'a', configMap: { name: 'c' } }] }), from)).toEqual({ label: 'cfgdata', files: { text: 't', bytes: '\0\u0001' } });
    expect(read(vmi({ volumes: [{ name: 'a', secret: { secretName: 's', volumeLabel: 'mine' } }] }), from).label).toBe('mine');
    expect(read(vmi({ volumes: [{ name: 'a', secret: { secretName: 'none', optional: true } }] }), from).files).toEqual({});
  });
});

describe('what is refused', () => {
  const key = (method: object): object => ({ sshPublicKey: { source: { secret: { secretName: 'k' } }, propagationMethod: method } });
  it.each([
    ['more than 2048 bytes in place', { volumes: [{ name: 'a', cloudInitNoCloud: { userData: 'x'.repeat(2049) } }] }, 'spec.volumes[0].cloudInitNoCloud.userData'],
    ['nothing at all', { volumes: [{ name: 'a', cloudInitNoCloud: {} }] }, 'spec.volumes[0].cloudInitNoCloud'],
    ['two sources', { volumes: [{ name: 'a', cloudInitConfigDrive: { userData: 'x', secretRef: { name: 's' } } }] }, 'spec.volumes[0].cloudInitConfigDrive'],
    ['what is not base64', { volumes: [{ name: 'a', cloudInitNoCloud: { userDataBase64: '!!' } }] }, 'spec.volumes[0].cloudInitNoCloud.userDataBase64'],
    ['a second cloud-init volume', { volumes: [{ name: 'a', cloudInitNoCloud: { userData: 'x' } }, { name: 'b', cloudInitConfigDrive: { userData: 'x' } }] }, 'spec.volumes[1]'],
    ['a key with nothing to carry it', { accessCredentials: [key({ noCloud: {} })] }, 'spec.accessCredentials[0].sshPublicKey.propagationMethod'],
    ['a key in two ways', { accessCredentials: [key({ configDrive: {}, qemuGuestAgent: { users: ['ann'] } })] }, 'spec.accessCredentials[0].sshPublicKey.propagationMethod'],
    ['a key for nobody', { accessCredentials: [key({ qemuGuestAgent: { users: [] } })] }, 'spec.accessCredentials[0].sshPublicKey.propagationMethod.qemuGuestAgent.users'],
  ])('%s', (_what, rest, field) => {
    expect(checkSeeds(spec(rest as Partial<VirtualMachineInstanceSpec>), 'spec').map((cause) => cause.field)).toContain(field);
  });
});
