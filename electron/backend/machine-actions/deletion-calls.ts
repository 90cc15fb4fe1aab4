/** Deleting a machine, with those of its disks that nobody wants any more. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import type { DoomedDisk } from '#shared/contract/machine-actions.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { IMAGE_LABEL } from '#shared/kube/labels.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { volumeSourceName } from '#shared/kube/volume-source.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { claims, dataVolumes, pathOf, snapshots, virtualMachines } from '../clusters/kinds.ts';
import { deleteSnapshot } from './copy-calls.ts';
import { letGo, removeVolume } from './disk-calls.ts';
import { aboutMachine, listAll, readInstance, readMachine, type ActionParts } from './parts.ts';
import { usersOf } from './usage.ts';

type DeletionCalls = Pick<CallHandlers, 'machines.deletionPlan' | 'machines.delete'>;

/** Names the claims that Harvester is to delete with a machine; it makes them apart from it. */
const harvesterRemovedClaims = 'harvesterhci.io/removedPersistentVolumeClaims';

export function deletionCalls({ clusters, tasks }: ActionParts): DeletionCalls {
  return {
    'machines.deletionPlan': async (ref) => {
      const client = await clusters.get(ref.clusterId).client();
      const [plan, instance] = await Promise.all([planOf(client, ref), readInstance(client, ref)]);
      return { running: instance !== undefined, disks: plan.disks, snapshots: plan.snapshots };
    },
    'machines.delete': async ({ deleteDisks, deleteSnapshots, ...ref }) => {
      const cluster = clusters.get(ref.clusterId);
      const client = await cluster.client();
      const [about, plan] = await Promise.all([aboutMachine(client, ref), planOf(client, ref)]);
      // A volume that somebody else began to use since it was asked stays.
      const isAsked = ({ claim, owned }: DoomedDisk): boolean => (Array.isArray(deleteDisks) ? deleteDisks.includes(claim) : deleteDisks && owned);
      const doomed = plan.disks.filter((disk) => isAsked(disk) && disk.usedBy.length === 0);
      const kept = plan.disks.filter((disk) => !doomed.includes(disk));
      for (const { claim } of kept) await letGo(client, ref.namespace, claim, plan.machine.metadata.uid ?? '');
      if (cluster.view.flavour === 'harvester' && doomed.length > 0) {
        await client.call('PATCH', pathOf(virtualMachines, ref.namespace, ref.name), {
          contentType: 'application/merge-patch+json',
          body: { metadata: { annotations: { [harvesterRemovedClaims]: doomed.map(({ claim }) => claim).join(',') } } },
        });
      }
      await client.call('DELETE', pathOf(virtualMachines, ref.namespace, ref.name), {
        body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' },
      });
      // What was made for it goes with it; what it was only lent is deleted by its name.
      for (const { claim, owned } of doomed) if (!owned) await removeVolume(client, ref.namespace, claim);
      if (deleteSnapshots) for (const name of plan.snapshots) await deleteSnapshot(client, ref.namespace, name);
      const left = [...kept.filter(({ image }) => !image).map(({ claim }) => claim), ...(deleteSnapshots ? [] : plan.snapshots)];
      return tasks.begin({ kind: 'delete', ...about, ...(left.length === 0 ? {} : { subject: left.join(', ') }) });
    },
  };
}

interface Plan {
  machine: VirtualMachine;
  disks: DoomedDisk[];
  snapshots: string[];
}

async function planOf(client: ApiClient, ref: ObjectRef): Promise<Plan> {
  const [machine, machines, allClaims, volumes, allSnapshots] = await Promise.all([
    readMachine(client, ref),
    listAll(client, virtualMachines, ref.namespace),
    listAll(client, claims, ref.namespace),
    listAll(client, dataVolumes, ref.namespace),
    listAll(client, snapshots, ref.namespace),
  ]);
  return {
    machine,
    disks: doomedDisks(machine, machines, allClaims, volumes),
    snapshots: allSnapshots.filter(({ spec }) => spec.source.name === ref.name).map(({ metadata }) => metadata.name ?? ''),
  };
}

/** What becomes of each disk that is kept in a claim. Pure. */
export function doomedDisks(
  machine: VirtualMachine,
  machines: readonly VirtualMachine[],
  allClaims: readonly PersistentVolumeClaim[],
  volumes: readonly DataVolume[],
): DoomedDisk[] {
  const { name: own, uid } = machine.metadata;
  return (machine.spec.template.spec.volumes ?? []).flatMap((volume) => {
    const claim = volumeSourceName(volume);
    if (claim === undefined) return [];
    const found = allClaims.find(({ metadata }) => metadata.name === claim);
    const dataVolume = volumes.find(({ metadata }) => metadata.name === claim);
    if (!found && !dataVolume) return [];
    const sizeBytes = parseQuantity(
      found?.status?.capacity?.storage ?? found?.spec.resources?.requests?.storage ?? dataVolume?.spec.storage?.resources?.requests?.storage,
    );
    const owners = [dataVolume, found].flatMap((object) => object?.metadata.ownerReferences ?? []);
    return [
      {
        name: volume.name,
        claim,
        ...(sizeBytes === undefined ? {} : { sizeBytes }),
        owned: owners.some((owner) => owner.uid === uid),
        image: [found, dataVolume].some((object) => object?.metadata.labels?.[IMAGE_LABEL] !== undefined),
        usedBy: usersOf(claim, machines, own),
      },
    ];
  });
}
