/** What a cluster has that a new machine can be made of. What it has not, or does not show, says why. */
import { asHayloftError } from '#shared/contract/errors.ts';
import type { Offers } from '#shared/contract/new-machine.ts';
import type { PersistentVolumeClaim, StorageClass } from '#shared/kube/core.ts';
import type { Instancetype, Preference } from '#shared/kube/instancetype.ts';
import { DESCRIPTION_ANNOTATION, IMAGE_LABEL } from '#shared/kube/labels.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { VirtualMachineSnapshot } from '#shared/kube/snapshot.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import {
  claims,
  clusterInstancetypes,
  clusterPreferences,
  networkAttachmentDefinitions,
  pathOf,
  snapshots,
  storageClasses,
  virtualMachines,
  type Kind,
} from '../clusters/kinds.ts';
import { usersOf } from '../machine-actions/usage.ts';
import { timeOf } from '../machines/machine-row.ts';

type Item<K extends keyof Offers> = Offers[K]['items'][number];

const displayNameKeys = ['instancetype.kubevirt.io/displayName', 'openshift.io/display-name'];

export async function askOffers(client: ApiClient, namespace: string): Promise<Offers> {
  const list = async <T extends KubeObject, I>(kind: Kind<T>, what: string, item: (object: T) => I | undefined): Promise<{ items: I[]; reason?: string }> => {
    try {
      const path = pathOf(kind, kind.clusterWide ? undefined : namespace);
      const { items } = await client.call<KubeList<T>>('GET', path);
      return { items: items.map(item).filter((found) => found !== undefined) };
    } catch (error) {
      const { code } = asHayloftError(error);
      if (code === 'not-found') return { items: [], reason: `This cluster has no ${what}.` };
      if (code === 'forbidden') return { items: [], reason: `You may not see this cluster’s ${what}. Ask its administrator.` };
      throw error;
    }
  };
  const machines = list(virtualMachines, 'machines', (machine) => machine);
  const [volumes, found, instancetypes, preferences, networks, classes] = await Promise.all([
    machines.then(({ items }) => list(claims, 'volumes', (claim) => volumeOf(claim, usersOf(claim.metadata.name ?? '', items)))),
    list(snapshots, 'snapshots', snapshotOf),
    list(clusterInstancetypes, 'instance types', typeOf),
    list(clusterPreferences, 'preferences', preferenceOf),
    list(networkAttachmentDefinitions, 'further networks', networkOf),
    list(storageClasses, 'storage classes', classOf),
  ]);
  found.items.sort((a, b) => b.taken - a.taken);
  instancetypes.items.sort((a, b) => a.memoryBytes - b.memoryBytes || a.cores - b.cores || a.name.localeCompare(b.name));
  return { volumes, snapshots: found, instancetypes, preferences, networks, storageClasses: classes };
}

function volumeOf({ metadata, spec, status }: PersistentVolumeClaim, usedBy: string[]): Item<'volumes'> | undefined {
  // Images are copied, never written to.
  if (metadata.deletionTimestamp !== undefined || metadata.labels?.[IMAGE_LABEL] !== undefined) return undefined;
  const sizeBytes = parseQuantity(status?.capacity?.storage ?? spec.resources?.requests?.storage);
  return { claim: metadata.name ?? '', ...(sizeBytes === undefined ? {} : { sizeBytes }), usedBy };
}

function snapshotOf({ metadata, spec, status }: VirtualMachineSnapshot): Item<'snapshots'> | undefined {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const description = metadata.annotations?.[DESCRIPTION_ANNOTATION];
  const waits = status?.error?.message ?? findCondition(status?.conditions, 'Ready')?.message;
  const notReady = status?.readyToUse === true ? undefined : status?.phase === 'Failed' ? `It failed. ${waits ?? ''}`.trim() : 'It is still being taken.';
  return {
    name: metadata.name ?? '',
    machine: spec.source.name,
    ...(description === undefined ? {} : { description }),
    taken: timeOf(status?.creationTime) ?? timeOf(metadata.creationTimestamp) ?? 0,
    ...(notReady === undefined ? {} : { notReady }),
  };
}

function typeOf({ metadata, spec }: Instancetype): Item<'instancetypes'> | undefined {
  const memoryBytes = parseQuantity(spec.memory.guest);
  return memoryBytes === undefined ? undefined : { name: metadata.name ?? '', ...titleOf(metadata), cores: spec.cpu.guest, memoryBytes };
}

function preferenceOf({ metadata, spec }: Preference): Item<'preferences'> {
  const { cpu, memory } = spec.requirements ?? {};
  const memoryBytes = parseQuantity(memory?.guest);
  return {
    name: metadata.name ?? '',
    ...titleOf(metadata),
    needs: { ...(cpu ? { cores: cpu.guest } : {}), ...(memoryBytes === undefined ? {} : { memoryBytes }) },
  };
}

function titleOf({ annotations }: KubeObject['metadata']): { displayName?: string } {
  const displayName = displayNameKeys.map((key) => annotations?.[key]).find((text) => text !== undefined);
  return displayName === undefined ? {} : { displayName };
}

function networkOf({ metadata, spec }: KubeObject & { spec?: { config?: string } }): Item<'networks'> {
  const network = `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
  const type = pluginOf(spec?.config);
  if (type === 'macvtap') return { network, binding: 'macvtap' };
  if (type === undefined) return { network, reason: 'Its configuration cannot be read.' };
  if (type === 'sriov') return { network, reason: 'Cards of the host (SR-IOV) are given to a machine in its YAML.' };
  return { network, binding: 'bridge' };
}

/** The CNI plug-in that a definition names. */
function pluginOf(config: string | undefined): string | undefined {
  try {
    const value = JSON.parse(config ?? '') as { type?: string; plugins?: { type?: string }[] };
    return value.type ?? value.plugins?.[0]?.type;
  } catch {
    // What it says is the cluster's business; here it only cannot be offered.
    return undefined;
  }
}

function classOf({ metadata, parameters }: StorageClass): Item<'storageClasses'> | undefined {
  // Harvester makes one for each image: its volumes begin as that image's copies.
  if (parameters?.['backingImage'] !== undefined) return undefined;
  return { name: metadata.name ?? '', isDefault: metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' };
}
