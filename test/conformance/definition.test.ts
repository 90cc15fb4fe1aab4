/** What a machine's definition asks for, seen from inside real guests. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachineInstance } from '../../shared/kube/kubevirt.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { qemuProcesses } from '../rig/processes.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';

let engine: RigEngine;

const apply = (object: object): string => engine.kubectl(['apply', '-f', '-'], stringify(object));
const instance = async (name: string): Promise<Partial<VirtualMachineInstance>> =>
  (await engine.api('GET', `/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/${name}`)).json();
const secret = (name: string, stringData: Record<string, string>): object => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData });

interface Change {
  domain?: object;
  disks?: object[];
  volumes?: object[];
  spec?: object;
}

function machine(name: string, { domain, disks = [], volumes = [], spec }: Change): object {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name },
    spec: {
      runStrategy: 'Always',
      template: {
        spec: {
          terminationGracePeriodSeconds: 0,
          domain: { memory: { guest: '256Mi' }, ...domain, devices: { ...(domain as { devices?: object } | undefined)?.devices, disks } },
          volumes,
          ...spec,
        },
      },
    },
  };
}

const root = { disk: { name: 'root', disk: { bus: 'virtio' } }, volume: { name: 'root', dataVolume: { name: 'root' } } };
const isReady = (name: string): string => engine.kubectl(['wait', '--for=condition=Ready', `vm/${name}`, '--timeout=30s']);

beforeAll(async () => {
  engine = await startEngine();
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
});

afterAll(() => engine.destroy());

describe('discs with settings', () => {
  it('are waited for where their Secret is missing, are read by the guest, and are gone with it', async () => {
    apply(
      machine('seeded', {
        disks: [root.disk, { name: 'seed', disk: { bus: 'virtio' } }],
        volumes: [root.volume, { name: 'seed', cloudInitNoCloud: { secretRef: { name: 'user' } } }],
        spec: {
          hostname: 'shop',
          accessCredentials: [{ sshPublicKey: { source: { secret: { secretName: 'keys' } }, propagationMethod: { noCloud: {} } } }],
        },
      }),
    );
    await until('it to say what it waits for', async () =>
      (await instance('seeded')).status?.conditions?.some(({ message }) => message === 'The Secret user does not exist.') === true);
    expect((await instance('seeded')).status?.phase).toBe('Pending');
    apply(secret('user', { userdata: '#cloud-config\nusers: [{name: guest}]\n' }));
    apply(secret('keys', { first: 'ssh-ed25519 AAAA first' }));
    isReady('seeded');

    const { metadata } = await instance('seeded');
    const [qemu] = qemuProcesses(metadata?.uid ?? '');
    expect(JSON.stringify(qemu)).not.toContain('cloud-config');
    const shell = await openGuestShell(engine, 'seeded');
    await shell.run('mkdir -p /tmp/seed && mount -t iso9660 -o ro /dev/vdb /tmp/seed');
    expect(await shell.run('cat /tmp/seed/user-data')).toBe('#cloud-config\nusers: [{name: guest}]');
    expect(JSON.parse(await shell.run('cat /tmp/seed/meta-data'))).toMatchObject({ 'local-hostname': 'shop', 'public-keys': { 0: 'ssh-ed25519 AAAA first' } });
    engine.kubectl(['delete', 'vm', 'seeded', '--timeout=30s']);
    expect(readdirSync(join(engine.dataDir, 'run'))).toEqual([]);
  });
});
