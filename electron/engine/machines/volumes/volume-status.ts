/** The part of an instance's status that tells of its volumes. */
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachineInstance, VolumeStatus } from '#shared/kube/kubevirt.ts';
import { claimNameOf } from '../../disks/machine-use.ts';
import { targetsOf } from './targets.ts';
import type { HotplugStates } from './hotplug.ts';

/**
 * @param states how the volumes that come and go stand; one that is on its way out is in no spec any more
 * @param claimOf the claim of this name, if there is one
 */
export function volumeStatuses(
  { spec, status }: VirtualMachineInstance,
  states: HotplugStates,
  claimOf: (name: string) => PersistentVolumeClaim | undefined,
): VolumeStatus[] {
  const before = status?.volumeStatus ?? [];
  const targets = targetsOf(spec.domain.devices.disks ?? [], new Map(before.map(({ name, target }) => [name, target])));
  const now = (spec.volumes ?? []).map((volume): VolumeStatus => {
    const { name } = volume;
    const state = states.get(name);
    const claim = claimNameOf(volume);
    return {
      name,
      target: targets.get(name) ?? '',
      ...(state === undefined ? {} : { ...state, hotplugVolume: {} }),
      ...(claim === undefined ? {} : { persistentVolumeClaimInfo: infoOf(claim, claimOf(claim)) }),
    };
  });
  const leaving = before.flatMap((old): VolumeStatus[] => {
    const state = states.get(old.name);
    return state === undefined || now.some(({ name }) => name === old.name) ? [] : [{ ...old, ...state }];
  });
  return [...now, ...leaving];
}

function infoOf(claimName: string, claim: PersistentVolumeClaim | undefined): NonNullable<VolumeStatus['persistentVolumeClaimInfo']> {
  const requested = claim?.spec.resources?.requests?.storage;
  return {
    claimName,
    ...(claim?.spec.accessModes ? { accessModes: claim.spec.accessModes } : {}),
    ...(claim?.spec.volumeMode ? { volumeMode: claim.spec.volumeMode } : {}),
    ...(claim?.status?.capacity ? { capacity: claim.status.capacity } : {}),
    ...(requested === undefined ? {} : { requests: { storage: requested } }),
    filesystemOverhead: '0',
  };
}
