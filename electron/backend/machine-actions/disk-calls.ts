/** Disks that a machine is given and that are taken from it, while it runs or is off. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { Volume as AttachableVolume } from '#shared/contract/machine-actions.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { Volume } from '#shared/kube/kubevirt.ts';
import { DISPLAY_NAME_ANNOTATION, FILE_NAME_ANNOTATION, IMAGE_LABEL } from '#shared/kube/labels.ts';
import { uniqueName } from '#shared/kube/names.ts';
import { formatBytesQuantity, parseQuantity } from '#shared/kube/quantities.ts';
import { isHotpluggable, volumeSourceName } from '#shared/kube/volume-source.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { claims, dataVolumes, pathOf, subresourcePath, virtualMachines } from '../clusters/kinds.ts';
import { remove } from '../tasks/remove.ts';
import { aboutMachine, editMachine, listAll, orUndefined, readInstance, readMachine, type ActionParts } from './parts.ts';
import { claimsOf, usersOf } from './usage.ts';

type DiskCalls = Pick<CallHandlers, 'machines.attachable' | 'machines.addDisk' | 'machines.removeDisk'>;

export function diskCalls({ clusters, tasks }: ActionParts): DiskCalls {
  return {
    'machines.attachable': async (ref) => {
      const client = await clusters.get(ref.clusterId).client();
      const [machines, found] = await Promise.all([listAll(client, virtualMachines, ref.namespace), listAll(client, claims, ref.namespace)]);
      const own = machines.find(({ metadata }) => metadata.name === ref.name);
      const taken = new Set(own ? claimsOf(own) : []);
      return {
        volumes: found
          .filter(({ metadata }) => metadata.deletionTimestamp === undefined && !taken.has(metadata.name ?? ''))
          .map((claim) => attachable(claim, usersOf(claim.metadata.name ?? '', machines))),
      };
    },
    'machines.addDisk': async ({ source, bus, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      const about = await aboutMachine(client, ref);
      const made = source.kind === 'blank' ? await makeBlank(client, ref, source.sizeBytes) : undefined;
      const claim = made ?? (source.kind === 'existing' ? source.claim : '');
      const volumeSource = (await orUndefined(client.call<DataVolume>('GET', pathOf(dataVolumes, ref.namespace, claim))))
        ? { dataVolume: { name: claim } }
        : { persistentVolumeClaim: { claimName: claim } };
      try {
        await attach(client, ref, { name: claim, disk: { disk: { bus } }, volumeSource }, about.instanceUid !== undefined);
      } catch (error) {
        // Nothing of a disk is left that nobody has.
        if (made !== undefined) await remove(client, dataVolumes, ref.namespace, made);
        throw error;
      }
      return tasks.begin({ kind: 'addDisk', ...about, object: claim, subject: claim, ...(made === undefined ? {} : { made }) });
    },
    'machines.removeDisk': async ({ disk, deleteVolume, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      const about = await aboutMachine(client, ref);
      const machine = await readMachine(client, ref);
      const volume = machine.spec.template.spec.volumes?.find(({ name }) => name === disk);
      if (!volume) throw new HayloftError('not-found', `${ref.name} has no disk “${disk}” any more.`);
      const claim = volumeSourceName(volume);
      const users = claim === undefined ? [] : usersOf(claim, await listAll(client, virtualMachines, ref.namespace), ref.name);
      if (deleteVolume && users.length > 0) {
        throw new HayloftError('conflict', `The volume “${claim ?? ''}” is also used by ${users.join(', ')}.`, { hint: 'Detach it without deleting it.' });
      }
      if (isHotpluggable(volume)) await client.call('PUT', subresourcePath('virtualmachines', ref, 'removevolume'), { body: { name: disk } });
      else await takeOut(client, ref, disk, claim);
      if (claim !== undefined && deleteVolume) await removeVolume(client, ref.namespace, claim);
      return tasks.begin({ kind: 'removeDisk', ...about, object: disk, subject: disk });
    },
  };
}

/** A DataVolume with its claim, or a claim of its own. */
export async function removeVolume(client: ApiClient, namespace: string, claim: string): Promise<void> {
  await remove(client, dataVolumes, namespace, claim);
  await remove(client, claims, namespace, claim);
}

export function attachable({ metadata, spec, status }: PersistentVolumeClaim, usedBy: string[]): AttachableVolume {
  const sizeBytes = parseQuantity(status?.capacity?.storage ?? spec.resources?.requests?.storage);
  const displayName = metadata.annotations?.[DISPLAY_NAME_ANNOTATION] ?? metadata.annotations?.[FILE_NAME_ANNOTATION];
  return {
    claim: metadata.name ?? '',
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    image: metadata.labels?.[IMAGE_LABEL] !== undefined,
    ...(displayName === undefined ? {} : { displayName }),
    usedBy,
  };
}

/** An empty volume that goes with the machine. @returns its name */
async function makeBlank(client: ApiClient, ref: ObjectRef, sizeBytes: number): Promise<string> {
  const [machine, present] = await Promise.all([readMachine(client, ref), listAll(client, claims, ref.namespace)]);
  const volumes = await listAll(client, dataVolumes, ref.namespace);
  const name = uniqueName(`${ref.name}-disk`, [...present, ...volumes].map(({ metadata }) => metadata.name ?? ''));
  const { uid = '' } = machine.metadata;
  const body: DataVolume = {
    apiVersion: 'cdi.kubevirt.io/v1beta1',
    kind: 'DataVolume',
    metadata: {
      name,
      namespace: ref.namespace,
      ownerReferences: [{ apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name: ref.name, uid }],
      // Without it CDI waits for a machine to use the volume where the class says WaitForFirstConsumer.
      annotations: { 'cdi.kubevirt.io/storage.bind.immediate.requested': 'true' },
    },
    spec: { source: { blank: {} }, storage: { resources: { requests: { storage: formatBytesQuantity(sizeBytes) } } } },
  };
  await client.call('POST', pathOf(dataVolumes, ref.namespace), { body });
  return name;
}

interface AddVolume {
  name: string;
  disk: { disk: { bus: 'scsi' | 'virtio' } };
  volumeSource: Pick<Volume, 'dataVolume' | 'persistentVolumeClaim'>;
}

/** By KubeVirt's hotplug; where that is switched off, a machine that is off has it written into its spec. */
async function attach(client: ApiClient, ref: ObjectRef, options: AddVolume, running: boolean): Promise<void> {
  try {
    await client.call('PUT', subresourcePath('virtualmachines', ref, 'addvolume'), { body: options });
  } catch (error) {
    if (asHayloftError(error).code !== 'bad-input' || running) throw error;
    await editMachine(client, ref, ({ spec: { template } }) => {
      const { devices } = template.spec.domain;
      devices.disks = [...(devices.disks ?? []), { ...options.disk, name: options.name }];
      template.spec.volumes = [...(template.spec.volumes ?? []), { ...options.volumeSource, name: options.name }];
    });
  }
}

/** Takes a disk out that cannot be unplugged: only a machine that is off gives it back. */
async function takeOut(client: ApiClient, ref: ObjectRef, disk: string, claim: string | undefined): Promise<void> {
  if (await readInstance(client, ref)) {
    throw new HayloftError('conflict', `The disk “${disk}” was there when ${ref.name} started, so it cannot be unplugged.`, {
      hint: 'Shut the machine down, then detach it.',
    });
  }
  const { machine } = await editMachine(client, ref, ({ spec }) => {
    const { domain } = spec.template.spec;
    domain.devices.disks = (domain.devices.disks ?? []).filter(({ name }) => name !== disk);
    spec.template.spec.volumes = (spec.template.spec.volumes ?? []).filter(({ name }) => name !== disk);
    // Its template would make the volume anew.
    if (spec.dataVolumeTemplates) spec.dataVolumeTemplates = spec.dataVolumeTemplates.filter((template) => template.metadata.name !== claim);
  });
  if (claim !== undefined) await letGo(client, ref.namespace, claim, machine.metadata.uid ?? '');
}

/** Takes the machine's name off a volume, so that it stays when the machine goes. */
export async function letGo(client: ApiClient, namespace: string, claim: string, machineUid: string): Promise<void> {
  for (const kind of [dataVolumes, claims]) {
    const found = await orUndefined(client.call<DataVolume | PersistentVolumeClaim>('GET', pathOf(kind, namespace, claim)));
    const owners = found?.metadata.ownerReferences ?? [];
    const others = owners.filter(({ uid }) => uid !== machineUid);
    if (others.length === owners.length) continue;
    await client.call('PATCH', pathOf(kind, namespace, claim), {
      contentType: 'application/merge-patch+json',
      body: { metadata: { ownerReferences: others } },
    });
  }
}
