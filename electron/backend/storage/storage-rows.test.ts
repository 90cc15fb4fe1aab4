import { describe, expect, it } from 'vitest';
import type { KubeNode, PersistentVolume, PersistentVolumeClaim, StorageClass } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { LonghornNode, LonghornReplica, LonghornVolume } from '#shared/kube/longhorn.ts';
import { harvesterCluster } from '../../../test/recorded/harvester-cluster.ts';
import { kubeVirtCluster } from '../../../test/recorded/kubevirt-cluster.ts';
import type { RecordedCluster } from '../../../test/recorded/load.ts';
import { classRows, diskRows } from './class-rows.ts';
import { gapsOf } from './storage-topic.ts';
import { volumeRows, type WatchedStorage } from './volume-rows.ts';

const gib = 2 ** 30;
const all = <T>({ objects }: RecordedCluster, kind: string, group?: string): T[] => objects.filter((object) => object.kind === kind && (group === undefined || object.apiVersion.startsWith(group))) as unknown as T[];
const watched = (cluster: RecordedCluster): WatchedStorage => ({
  clusterId: 'barn',
  claims: all<PersistentVolumeClaim>(cluster, 'PersistentVolumeClaim'),
  machines: all<VirtualMachine>(cluster, 'VirtualMachine'),
  dataVolumes: new Map(),
  nodes: all<KubeNode>(cluster, 'Node', 'v1').map(({ metadata }) => metadata.name ?? ''),
});
const longhorn = {
  room: { nodes: all<LonghornNode>(harvesterCluster, 'Node', 'longhorn'), overProvisioning: 100, minimalAvailable: 25 },
  volumes: all<LonghornVolume>(harvesterCluster, 'Volume'),
  replicas: all<LonghornReplica>(harvesterCluster, 'Replica'),
  engines: [],
};
const classes = all<StorageClass>(harvesterCluster, 'StorageClass');

describe('the storage of the recorded Harvester cluster', () => {
  const rows = volumeRows({ classes, longhorn }, watched(harvesterCluster));
  const find = (claim: string): (typeof rows)[number] | undefined => rows.find((row) => row.claim === claim);

  it('leads from a claim to its Longhorn volume, its copies and its machine', () => {
    expect(find('gitea-disk-0-x2k4p')).toMatchObject({ machines: ['gitea'], sizeBytes: 40 * gib, usedBytes: 3 * gib, nodes: ['rack-1', 'rack-2', 'rack-3'], label: 'Healthy', tone: 'good' });
    expect(find('nas-disk-0-x2k4p')).toMatchObject({ machines: ['nas'], label: 'Detached', tone: 'off' });
    expect(rows.filter(({ claim }) => claim === undefined)).toEqual([]);
  });

  it('shows a volume that no claim leads to, once', () => {
    const { claims, ...others } = watched(harvesterCluster);
    const without = volumeRows({ classes, longhorn }, { ...others, claims: claims.filter(({ metadata }) => !metadata.name?.startsWith('nas')) });
    expect(without.filter(({ claim }) => claim === undefined).map(({ volume }) => volume)).toEqual(['pvc-nas-disk-0-x2k4p']);
  });

  it('finds the volume by the handle of its PersistentVolume where names differ', () => {
    const [first] = watched(harvesterCluster).claims;
    if (!first) throw new Error('There are claims.');
    const claim = { ...first, metadata: { namespace: 'other', name: 'restored' }, spec: { ...first.spec, volumeName: 'pv-7' } };
    const behind: PersistentVolume = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv-7' }, spec: { csi: { driver: 'driver.longhorn.io', volumeHandle: 'pvc-gitea-disk-0-x2k4p' } } };
    const [row] = volumeRows({ longhorn, persistentVolumes: [behind] }, { ...watched(harvesterCluster), claims: [claim] });
    expect(row).toMatchObject({ volume: 'pvc-gitea-disk-0-x2k4p', label: 'Healthy' });
  });

  it('sums up classes, by node as well, and tells whose use is not known', () => {
    const row = classRows({ classes }, rows).find(({ name }) => name === 'longhorn-image-deb12');
    expect(row).toMatchObject({ volumes: 4, claimedBytes: 160 * gib, usedBytes: 6 * gib, unmeasured: 2, usual: false });
    expect(row?.nodes.map(({ node, allocatedBytes }) => [node, allocatedBytes / gib])).toEqual([['rack-1', 80], ['rack-2', 80], ['rack-3', 80]]);
    expect(classRows({ classes }, rows).find(({ usual }) => usual)?.name).toBe('harvester-longhorn');
  });

  it('gives each disk with what may be promised of it', () => {
    const disks = diskRows({ longhorn }, []);
    expect(disks).toHaveLength(3);
    expect(disks[0]).toMatchObject({ node: 'rack-1', totalBytes: 490 * gib, freeBytes: 350 * gib, allocatedBytes: 160 * gib, limitBytes: 430 * gib, label: 'Ready' });
  });

  it('says what may not be read', () => {
    expect(gapsOf({ longhorn: {} })).toHaveLength(3);
    expect(gapsOf({ classes, longhorn })).toEqual([]);
  });
});

describe('the storage of the recorded KubeVirt cluster', () => {
  it('says of claims what they say themselves', () => {
    const rows = volumeRows({ classes: all<StorageClass>(kubeVirtCluster, 'StorageClass') }, watched(kubeVirtCluster));
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatchObject({ nodes: [], kind: 'volume' });
    expect(rows.every(({ usedBytes }) => usedBytes === undefined)).toBe(true);
  });
});
