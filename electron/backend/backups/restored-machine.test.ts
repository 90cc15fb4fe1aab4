import { describe, expect, it } from 'vitest';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { BackedUpDisk } from './layout.ts';
import { claimOf, readManifests, readObjects, writeObjects } from './manifests.ts';
import { keptObject, namesBetween, needKey, needsOf, renameNeeds, sameContent } from './needs.ts';
import { claimNames, restoredDisk, restoredMachine, strategyAfter } from './restored-machine.ts';

const manifests = readManifests(`
apiVersion: v1
kind: ConfigMap
metadata: { name: export-ca-cm-x }
---
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: { name: pear, labels: { tier: front } }
spec:
  running: true
  dataVolumeTemplates:
    - { metadata: { name: pear-root }, spec: { source: { blank: {} }, storage: { accessModes: [ReadWriteMany], volumeMode: Block } } }
  template:
    spec:
      domain:
        firmware: { uuid: 5d307ca9-b3ef-428c-8861-06e72d69f223, bootloader: { efi: {} } }
        devices:
          interfaces: [{ name: default, masquerade: {}, macAddress: '02:00:00:00:00:01' }]
      volumes:
        - { name: root, dataVolume: { name: pear-root } }
        - { name: archive, persistentVolumeClaim: { claimName: archive, hotpluggable: true } }
        - { name: seed, cloudInitNoCloud: { userData: '#cloud-config' } }
---
apiVersion: cdi.kubevirt.io/v1beta1
kind: DataVolume
metadata: { name: archive }
spec: { source: { http: { url: 'https://x' } }, storage: {} }
---
`);
const target = { name: 'plum', namespace: 'garden', taskId: 'task', newIdentity: false };
const names = claimNames(['pear-root', 'archive'], 'pear', 'plum', ['plum-archive']);

describe('a restored machine', () => {
  it('has its disks under free names, stays off, and keeps what else it was', () => {
    expect([...names]).toEqual([['pear-root', 'plum-root'], ['archive', 'plum-archive-2']]);
    const { metadata, spec } = restoredMachine(manifests, names, target);
    expect(metadata).toEqual({ name: 'plum', namespace: 'garden', labels: { tier: 'front' }, annotations: { 'hayloft.io/restored-by': 'task' } });
    expect(spec.runStrategy).toBe('Halted');
    expect([spec.running, spec.dataVolumeTemplates]).toEqual([undefined, undefined]);
    expect(spec.template.spec.volumes).toEqual([
      { name: 'root', dataVolume: { name: 'plum-root' } },
      { name: 'archive', dataVolume: { name: 'plum-archive-2', hotpluggable: true } },
      { name: 'seed', cloudInitNoCloud: { userData: '#cloud-config' } },
    ]);
    expect(spec.template.spec.domain.devices.interfaces?.[0]?.macAddress).toBe('02:00:00:00:00:01');
  });

  it('gets addresses of its own beside the one that it is a copy of', () => {
    const { domain } = restoredMachine(manifests, names, { ...target, newIdentity: true }).spec.template.spec;
    expect(domain.devices.interfaces?.[0]).toEqual({ name: 'default', masquerade: {} });
    expect(domain.firmware).toEqual({ bootloader: { efi: {} } });
  });

  it('has disks that take anything, that go with it, and are as they were', () => {
    const disk: BackedUpDisk = { name: 'pear-root', file: 'pear-root.img.gz', packing: 'gzip', sizeBytes: 3 * 2 ** 30, fileBytes: 1234, sha256: '' };
    const owner: VirtualMachine = { ...restoredMachine(manifests, names, target), metadata: { name: 'plum', namespace: 'garden', uid: 'uid' } };
    expect(restoredDisk(disk, manifests, 'plum-root', owner)).toMatchObject({
      metadata: {
        name: 'plum-root',
        namespace: 'garden',
        annotations: { 'hayloft.io/upload-content': 'disk', 'hayloft.io/file-size': '1234' },
        ownerReferences: [{ kind: 'VirtualMachine', name: 'plum', uid: 'uid' }],
      },
      spec: { source: { upload: {} }, storage: { accessModes: ['ReadWriteMany'], volumeMode: 'Block', resources: { requests: { storage: '3Gi' } } } },
    });
  });

  it('runs as it did, or stays off', () => {
    expect([strategyAfter(manifests.machine, true), strategyAfter(manifests.machine, false)]).toEqual(['Always', 'Halted']);
  });
});

it('knows a claim by what KubeVirt calls its copy', () => {
  expect(claimOf('pear-backup-1a2b-pear-root', ['root', 'pear-root'])).toBe('pear-root');
  expect(claimOf('root', ['root'])).toBe('root');
});

it('finds whatever a machine reads, and names it anew', () => {
  const machine = structuredClone(manifests.machine);
  machine.spec.template.spec.volumes = [
    { name: 'seed', cloudInitNoCloud: { secretRef: { name: 'user' }, networkDataSecretRef: { name: 'net' } } },
    { name: 'answers', sysprep: { configMap: { name: 'answers' } } },
    { name: 'keys', secret: { secretName: 'keys' } },
  ];
  machine.spec.template.spec.accessCredentials = [{ sshPublicKey: { source: { secret: { secretName: 'keys' } }, propagationMethod: { noCloud: {} } } }];
  expect(needsOf(machine).map(needKey)).toEqual(['Secret/user', 'Secret/net', 'ConfigMap/answers', 'Secret/keys']);
  const renamed = structuredClone(machine);
  renameNeeds(renamed, new Map([['Secret/keys', 'plum-keys'], ['ConfigMap/keys', 'no']]));
  expect(needsOf(renamed).map(needKey)).toEqual(['Secret/user', 'Secret/net', 'ConfigMap/answers', 'Secret/plum-keys']);
  expect(namesBetween(machine, renamed).get('Secret/keys')).toBe('plum-keys');
});

it('keeps of a Secret what a guest reads, and tells when another holds the same', () => {
  const there = { apiVersion: 'v1', kind: 'Secret' as const, metadata: { name: 'keys', uid: 'u', namespace: 'default', annotations: { a: 'b' } }, type: 'Opaque', data: { b: 'Mg==', a: 'MQ==' } };
  const kept = keptObject({ kind: 'Secret', name: 'keys' }, there);
  expect(readObjects(writeObjects([kept]))).toEqual([{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, type: 'Opaque', data: there.data }]);
  expect(sameContent(kept, { ...there, data: { a: 'MQ==', b: 'Mg==' } })).toBe(true);
  expect(sameContent(kept, { ...there, data: { a: 'MQ==' } })).toBe(false);
});
