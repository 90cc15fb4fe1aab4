/** A cluster's volumes: every claim, and Longhorn's volumes to which no claim leads. Pure. */
import type { StatusTone } from '#shared/contract/machines.ts';
import type { StorageVolumeRow } from '#shared/contract/storage.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { LonghornVolume } from '#shared/kube/longhorn.ts';
import { DISK_FREE_ANNOTATION } from '#shared/kube/labels.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { usersOf } from '../images/images-topic.ts';
import { ALLOCATED } from '../machines/machine-disks.ts';
import { judgeVolume, type VolumeState } from './longhorn/volume-verdict.ts';
import type { AskedLonghorn, AskedStorage } from './storage-sources.ts';

export interface WatchedStorage {
  clusterId: string;
  claims: readonly PersistentVolumeClaim[];
  machines: readonly VirtualMachine[];
  /** By `namespace/name`. */
  dataVolumes: ReadonlyMap<string, DataVolume>;
  /** Names of nodes. */
  nodes: readonly string[];
}

type Health = Pick<StorageVolumeRow, 'tone' | 'label' | 'sentence'>;

export function volumeRows(asked: AskedStorage, watched: WatchedStorage): StorageVolumeRow[] {
  const { claims, machines, clusterId } = watched;
  const longhorn = new Map((asked.longhorn?.volumes ?? []).map((volume) => [volume.metadata.name ?? '', volume]));
  const persistent = new Map((asked.persistentVolumes ?? []).map((volume) => [volume.metadata.name ?? '', volume]));
  const ofClaims = new Map([...longhorn.values()].map((volume) => [claimOf(volume), volume]));
  const rows = claims.map((claim): StorageVolumeRow => {
    const { namespace = '', name = '' } = claim.metadata;
    const volumeName = claim.spec.volumeName;
    const behind = persistent.get(volumeName ?? '');
    const ours = longhorn.get(behind?.spec.csi?.volumeHandle ?? volumeName ?? '') ?? ofClaims.get(`${namespace}/${name}`);
    if (ours) longhorn.delete(ours.metadata.name ?? '');
    const sizeBytes = parseQuantity(claim.status?.capacity?.storage ?? claim.spec.resources?.requests?.storage);
    const usedBytes = ours?.status?.actualSize ?? parseQuantity(claim.metadata.annotations?.[ALLOCATED]);
    const storageClass = claim.spec.storageClassName;
    return {
      ...{ kind: 'volume', key: `volume/${namespace}/${name}`, clusterId, namespace, claim: name },
      ...(ours?.metadata.name ?? volumeName ? { volume: ours?.metadata.name ?? volumeName } : {}),
      ...(storageClass ? { storageClass } : {}),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
      ...(usedBytes === undefined ? {} : { usedBytes }),
      machines: usersOf(machines, namespace, name),
      nodes: ours ? copiesOf(ours, asked.longhorn) : placesOf(behind, asked, watched),
      ...(ours && asked.longhorn ? ofLonghorn(ours, asked.longhorn) : healthOf(claim, watched.dataVolumes.get(`${namespace}/${name}`), asked.classes)),
    };
  });
  return [...rows, ...[...longhorn.values()].map((volume) => loose(volume, asked, clusterId))];
}

/** Of a volume to which no claim leads (any more). */
function loose(volume: LonghornVolume, { longhorn = {} }: AskedStorage, clusterId: string): StorageVolumeRow {
  const name = volume.metadata.name ?? '';
  const used = volume.status?.actualSize;
  return {
    ...{ kind: 'volume', key: `longhorn/${name}`, clusterId, volume: name, machines: [], nodes: copiesOf(volume, longhorn) },
    ...(volume.spec.size ? { sizeBytes: Number(volume.spec.size) } : {}),
    ...(used === undefined ? {} : { usedBytes: used }),
    ...ofLonghorn(volume, longhorn),
  };
}

const claimOf = ({ status }: LonghornVolume): string => `${status?.kubernetesStatus?.namespace ?? ''}/${status?.kubernetesStatus?.pvcName ?? ''}`;

const copiesOf = (volume: LonghornVolume, longhorn: AskedLonghorn | undefined): string[] =>
  [...new Set((longhorn?.replicas ?? []).filter(({ spec }) => spec.volumeName === volume.metadata.name && spec.nodeID).map(({ spec }) => spec.nodeID ?? ''))].sort();

const tones: Record<VolumeState, { tone: StatusTone; label: string }> = {
  healthy: { tone: 'good', label: 'Healthy' },
  detached: { tone: 'off', label: 'Detached' },
  unknown: { tone: 'busy', label: 'Not known' },
  restoring: { tone: 'busy', label: 'Restoring' },
  degraded: { tone: 'warning', label: 'Degraded' },
  rebuilding: { tone: 'warning', label: 'Rebuilding' },
  faulted: { tone: 'bad', label: 'Faulted' },
  'disk full': { tone: 'bad', label: 'Disk full' },
  'no place': { tone: 'warning', label: 'No place' },
  'node down': { tone: 'warning', label: 'Node down' },
};

function ofLonghorn(volume: LonghornVolume, { replicas = [], engines = [], room }: AskedLonghorn): Health {
  const { state, sentence } = judgeVolume(volume, { replicas, engines, nodes: room?.nodes ?? [] });
  return { ...tones[state], sentence };
}

/** Of all other drivers: what the claim says. */
function healthOf(claim: PersistentVolumeClaim, filling: DataVolume | undefined, classes: AskedStorage['classes']): Health {
  const intact = findCondition(claim.status?.conditions, 'DiskIntact');
  if (intact?.status === 'False') return { tone: 'bad', label: 'Damaged', sentence: intact.message || 'Its books are damaged: restore a backup.' };
  const phase = filling?.status?.phase;
  if (phase === 'Failed') {
    const why = filling?.status?.conditions?.find(({ status, message }) => status === 'False' && message)?.message;
    return { tone: 'bad', label: 'Failed', sentence: `It could not be filled${why ? ` (${why})` : ''}: delete it and make it anew.` };
  }
  if (claim.status?.phase === 'Lost') return { tone: 'bad', label: 'Lost', sentence: 'The volume behind it is gone: delete it and restore a backup.' };
  if (claim.status?.phase === 'Bound') {
    return phase === undefined || phase === 'Succeeded'
      ? { tone: 'good', label: 'Bound', sentence: 'It is there; its driver says nothing more of its health.' }
      : { tone: 'busy', label: 'Being filled', sentence: 'Its contents are being put into it.' };
  }
  const found = classes?.find(({ metadata }) => metadata.name === claim.spec.storageClassName);
  return found?.volumeBindingMode === 'WaitForFirstConsumer'
    ? { tone: 'off', label: 'Waiting', sentence: 'It is made when a machine first uses it.' }
    : { tone: 'busy', label: 'Pending', sentence: `It waits for ${found?.provisioner ?? 'a driver'} to make it: if that takes long, look at its events.` };
}

/** A volume on a node's own disk names the node; the engine has but one. */
function placesOf(behind: PersistentVolume | undefined, { classes }: AskedStorage, { nodes }: WatchedStorage): string[] {
  const terms = behind?.spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const named = terms.flatMap(({ matchExpressions = [] }) => matchExpressions.filter(({ key }) => key === 'kubernetes.io/hostname').flatMap(({ values = [] }) => values));
  if (named.length > 0 || behind) return [...new Set(named)].sort();
  return classes?.every(isEngines) && nodes.length === 1 ? [...nodes] : [];
}

/** The engine tells of its classes how much room they have. */
const isEngines = ({ metadata }: StorageClass): boolean => metadata.annotations?.[DISK_FREE_ANNOTATION] !== undefined;
