/** The disk that a DataVolume is to be a copy of. */
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { findDisk } from '../catalog.ts';
import { machinesUsing } from '../machine-use.ts';
import type { DiskParts } from '../parts.ts';
import { cloneDisk } from '../populate/clone.ts';
import type { Placement } from '../populate/place.ts';
import type { DiskFile } from '../types.ts';

export type CloneSource = { state: 'ready'; file: DiskFile } | { state: 'waiting'; reason: string; message: string };

/** A source can be copied when it is whole and no machine writes to it. */
export function cloneSource(parts: DiskParts, volume: DataVolume): CloneSource {
  const { name = '', namespace = volume.metadata.namespace ?? '' } = volume.spec.source?.pvc ?? {};
  const found = findDisk(parts, namespace, name);
  if (found.state === 'missing') {
    return { state: 'waiting', reason: 'CloneSourceMissing', message: `There is no claim "${name}" in the namespace "${namespace}" to clone.` };
  }
  if (found.state === 'pending') return { state: 'waiting', reason: 'CloneSourcePending', message: found.message };
  const writer = machinesUsing(parts.resources, namespace, name).find(({ writes }) => writes);
  if (writer !== undefined) {
    return {
      state: 'waiting',
      reason: 'CloneSourceInUse',
      message: `The machine "${writer.name}" writes to the disk "${name}": it is cloned when the machine is stopped.`,
    };
  }
  return found;
}

export function startClone(parts: DiskParts, claim: PersistentVolumeClaim, source: DiskFile, to: (signal: AbortSignal) => Placement): void {
  void parts.jobs
    .start(claim, 'clone', (running) => cloneDisk(source, to(running.signal), (share) => (running.progress = share)))
    .catch(() => undefined);
}
