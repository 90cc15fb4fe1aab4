/** What the controllers of this folder share. */
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { Condition } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import type { DiskParts } from '../disks/parts.ts';
import type { Guests } from '../machines/guests.ts';
import { setCondition } from '../machines/guests.ts';
import { isFinal } from '../machines/controllers/instance-status.ts';
import { virtualMachineInstances } from '../machines/definitions/virtual-machine-instance.ts';
import { timestamp } from '../store/keys.ts';
import type { MergeKeeper } from './merge/keeper.ts';
import { Quiesce } from './quiesce.ts';
import type { Writer } from './take.ts';

export interface SnapshotParts extends DiskParts {
  guests: Guests;
  /** Kinds with all their checks, for what is made here. */
  claims: ResourceDefinition<PersistentVolumeClaim>;
  volumes: ResourceDefinition<DataVolume>;
  machines: ResourceDefinition<VirtualMachine>;
  merges: MergeKeeper;
}

/** KubeVirt says why in `reason`, in words. */
export function withCondition(list: Condition[] | undefined, type: string, status: 'True' | 'False', reason: string): Condition[] {
  return setCondition(list ?? [], type, { status, reason }, timestamp());
}

/** The machine's instance as long as it may hold disks open. */
export function liveInstance({ resources }: SnapshotParts, namespace: string | undefined, name: string): VirtualMachineInstance | undefined {
  const vmi = resources.get(virtualMachineInstances, namespace, name);
  return vmi && !isFinal(vmi) ? vmi : undefined;
}

/** The guest behind an instance; undefined while it starts. */
export function writerOf({ guests }: SnapshotParts, vmi: VirtualMachineInstance): Writer | undefined {
  const guest = guests.get(vmi.metadata.uid);
  if (!guest || vmi.status?.phase !== 'Running') return undefined;
  const asks = guest.agent.connected && findCondition(vmi.status.conditions, 'Paused')?.status !== 'True';
  return { guest, name: vmi.metadata.name ?? '', ...(asks ? { quiesce: new Quiesce(guests, guest) } : {}) };
}

/** The claims behind a machine's volumes, by volume name. */
export function claimVolumes(vm: Pick<VirtualMachine, 'spec'>): { volumeName: string; claimName: string }[] {
  return (vm.spec.template.spec.volumes ?? []).flatMap(({ name, dataVolume, persistentVolumeClaim }) => {
    const claimName = dataVolume?.name ?? persistentVolumeClaim?.claimName;
    return claimName === undefined ? [] : [{ volumeName: name, claimName }];
  });
}
