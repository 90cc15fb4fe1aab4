import type { VirtualMachineClone } from '#shared/kube/clone.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { VirtualMachineRestore, VirtualMachineSnapshot } from '#shared/kube/snapshot.ts';
import type { RigEngine } from '../../rig/engine.ts';
import { isRestoreOver, listOf } from './snapshot-checks.ts';
import { clones, paths, restores } from './world.ts';

const has = (list: readonly KubeObject[], name: string): boolean => list.some(({ metadata }) => metadata.name === name && metadata.deletionTimestamp === undefined);

/**
 * Takes away, as a person would, restores and clones that wait for something that is gone.
 * @param isUnwanted whether one that is over is to go, too
 */
export async function tidy(engine: RigEngine, isUnwanted: () => boolean = () => false): Promise<void> {
  const machines = await listOf<VirtualMachine>(engine, paths.machine);
  const snapshots = await listOf<VirtualMachineSnapshot>(engine, paths.snapshot);
  for (const { metadata, spec, status } of await listOf<VirtualMachineRestore>(engine, restores)) {
    const { name = '' } = metadata;
    if (name.startsWith('tmp-') || metadata.deletionTimestamp !== undefined) continue;
    const waits = !isRestoreOver(status) && !has(snapshots, spec.virtualMachineSnapshotName);
    if (waits || (isRestoreOver(status) && isUnwanted())) await engine.api('DELETE', `${restores}/${name}`);
  }
  for (const { metadata, spec, status } of await listOf<VirtualMachineClone>(engine, clones)) {
    const isOver = status?.phase === 'Succeeded' || status?.phase === 'Failed';
    const isThere = has(spec.source.kind === 'VirtualMachine' ? machines : snapshots, spec.source.name);
    if ((!isOver && !isThere) || (isOver && isUnwanted())) await engine.api('DELETE', `${clones}/${metadata.name ?? ''}`);
  }
}
