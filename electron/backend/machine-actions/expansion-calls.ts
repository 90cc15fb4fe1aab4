/** Disks that are made larger, while their machine runs or is off. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import { formatBytes } from '#shared/format/units.ts';
import type { PersistentVolumeClaim, StorageClass } from '#shared/kube/core.ts';
import { DISK_FREE_ANNOTATION } from '#shared/kube/labels.ts';
import { formatBytesQuantity, parseQuantity } from '#shared/kube/quantities.ts';
import { volumeSourceName } from '#shared/kube/volume-source.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { claims, pathOf, storageClasses } from '../clusters/kinds.ts';
import { aboutMachine, orUndefined, readInstance, readMachine, type ActionParts } from './parts.ts';

/** How much room a storage class has, where the engine tells. */

export function expansionCalls({ clusters, tasks }: ActionParts): Pick<CallHandlers, 'machines.expansion' | 'machines.expandDisk'> {
  return {
    'machines.expansion': async ({ disk, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      const [claim, instance] = await Promise.all([claimBehind(client, ref, disk), readInstance(client, ref)]);
      const found = await readableClass(client, claim);
      const freeBytes = parseQuantity(found?.metadata.annotations?.[DISK_FREE_ANNOTATION]);
      const reason = whyNot(claim, found);
      return {
        claim: claim.metadata.name ?? '',
        sizeBytes: sizeOf(claim),
        running: instance !== undefined,
        ...(freeBytes === undefined ? {} : { freeBytes }),
        expandable: { allowed: reason === undefined, ...(reason === undefined ? {} : { reason }) },
      };
    },
    'machines.expandDisk': async ({ disk, sizeBytes, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      const about = await aboutMachine(client, ref);
      const claim = await claimBehind(client, ref, disk);
      const { name = '' } = claim.metadata;
      const reason = whyNot(claim, await readableClass(client, claim));
      if (reason !== undefined) throw new HayloftError('unsupported', reason);
      if (sizeBytes <= sizeOf(claim)) {
        throw new HayloftError('bad-input', `Disks can only grow, and this one has ${formatBytes(sizeOf(claim))} already.`, { field: 'sizeBytes' });
      }
      await client.call('PATCH', pathOf(claims, ref.namespace, name), {
        contentType: 'application/merge-patch+json',
        body: { spec: { resources: { requests: { storage: formatBytesQuantity(sizeBytes) } } } },
      });
      return tasks.begin({ kind: 'expandDisk', ...about, object: name, subject: disk, bytes: sizeBytes });
    },
  };
}

/** @throws HayloftError `not-found`, `unsupported` where there is no claim behind the disk */
async function claimBehind(client: ApiClient, ref: ObjectRef, disk: string): Promise<PersistentVolumeClaim> {
  const machine = await readMachine(client, ref);
  const instance = await readInstance(client, ref);
  const volume = [...(machine.spec.template.spec.volumes ?? []), ...(instance?.spec.volumes ?? [])].find(({ name }) => name === disk);
  if (!volume) throw new HayloftError('not-found', `${ref.name} has no disk “${disk}” any more.`);
  const name = volumeSourceName(volume);
  if (name === undefined) throw new HayloftError('unsupported', `The disk “${disk}” is part of the machine’s definition.`, { hint: 'Change its size there.' });
  const claim = await orUndefined(client.call<PersistentVolumeClaim>('GET', pathOf(claims, ref.namespace, name)));
  if (!claim) throw new HayloftError('not-found', `The volume “${name}” of this disk is not there.`);
  return claim;
}

const sizeOf = ({ spec, status }: PersistentVolumeClaim): number =>
  Math.max(parseQuantity(status?.capacity?.storage) ?? 0, parseQuantity(spec.resources?.requests?.storage) ?? 0);

/** Not everybody may read it: then the cluster has the last word. */
async function readableClass(client: ApiClient, { spec }: PersistentVolumeClaim): Promise<StorageClass | undefined> {
  if (spec.storageClassName === undefined) return undefined;
  try {
    return await client.call<StorageClass>('GET', pathOf(storageClasses, undefined, spec.storageClassName));
  } catch (error) {
    const { code } = asHayloftError(error);
    if (code === 'forbidden' || code === 'not-found') return undefined;
    throw error;
  }
}

function whyNot(claim: PersistentVolumeClaim, found: StorageClass | undefined): string | undefined {
  if (claim.status?.phase !== 'Bound') return 'This disk is not ready yet.';
  if (found && found.allowVolumeExpansion !== true) return `Volumes of the storage class ${found.metadata.name ?? ''} cannot grow: it does not allow it (allowVolumeExpansion).`;
  return undefined;
}
