/** Snapshots of machines and disks, and machines restored from them. */
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { EngineModule, ResourceDefinition } from '../api/definition.ts';
import type { Controller } from '../controller.ts';
import type { DiskParts } from '../disks/parts.ts';
import type { Downloads } from '../exports/downloads.ts';
import type { Guests } from '../machines/guests.ts';
import { controlRestores } from './controllers/restores.ts';
import { controlSnapshots } from './controllers/snapshots.ts';
import { controlVolumeSnapshots } from './controllers/volume-snapshots.ts';
import { servedContents } from './definitions/virtual-machine-snapshot-content.ts';
import { virtualMachineRestores } from './definitions/virtual-machine-restore.ts';
import { virtualMachineSnapshots } from './definitions/virtual-machine-snapshot.ts';
import { servedVolumeSnapshots } from './definitions/volume-snapshot.ts';
import { MergeKeeper } from './merge/keeper.ts';
import type { SnapshotParts } from './parts.ts';

export interface SnapshotsOptions {
  /** The disks module's own, once it has started. */
  disks: () => DiskParts;
  claims: ResourceDefinition<PersistentVolumeClaim>;
  volumes: ResourceDefinition<DataVolume>;
  guests: Guests;
  machines: ResourceDefinition<VirtualMachine>;
  /** What reads disks meanwhile. */
  downloads: Downloads;
}

export function createSnapshotsModule({ disks, claims, volumes, guests, machines, downloads }: SnapshotsOptions): EngineModule {
  let controllers: Controller[] = [];
  let keeper: MergeKeeper | undefined;
  return {
    name: 'snapshots',
    definitions: [virtualMachineSnapshots, servedContents, servedVolumeSnapshots, virtualMachineRestores],
    start: () => {
      const merges = new MergeKeeper({ ...disks(), guests }, downloads);
      keeper = merges;
      const parts: SnapshotParts = { ...disks(), claims, volumes, guests, machines, merges };
      controllers = [controlVolumeSnapshots(parts, (folder) => merges.kick(folder)), controlSnapshots(parts), controlRestores(parts)];
      merges.start();
      return Promise.resolve();
    },
    stop: async () => {
      await keeper?.stop();
      await Promise.all(controllers.map((controller) => controller.stop()));
    },
  };
}
