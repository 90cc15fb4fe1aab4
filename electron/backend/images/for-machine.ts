/** What becomes of a file that was dropped on a machine, once it is stored: a disc in its drive, or a disk of its own. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import type { UploadTarget } from '#shared/contract/images.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { IMAGE_LABEL } from '#shared/kube/labels.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { claims, dataVolumes, pathOf, virtualMachines, type Kind } from '../clusters/kinds.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { machineImages } from '../harvester/harvester-facts.ts';

type Calls = Pick<CallHandlers, 'machines.insertMedia' | 'machines.addDisk'>;

/** @returns what was done, as a sentence. Throws HayloftError why it could not be: the image is there all the same. */
export type ForMachine = (target: UploadTarget, made: { kind: Kind<KubeObject>; name: string }) => Promise<string | undefined>;

export function forMachine(clusters: Clusters, calls: Calls): ForMachine {
  return async ({ clusterId, namespace, then }, { kind, name }) => {
    if (!then) return undefined;
    if (kind.plural === machineImages.plural) {
      throw new HayloftError('unsupported', 'Harvester’s images are put into machines by volumes of their own.', { hint: 'Add it on the machine’s page.' });
    }
    const ref = { clusterId, namespace, name: then.machine };
    const context = { signal: new AbortController().signal };
    const client = await clusters.get(clusterId).client();
    if (then.as === 'cd') {
      const machine = await client.call<VirtualMachine>('GET', pathOf(virtualMachines, namespace, then.machine));
      const drive = driveFor(machine);
      const { restartNeeded } = await calls['machines.insertMedia']({ ...ref, image: name, ...(drive === undefined ? {} : { drive }) }, context);
      return `It is in the CD drive of ${then.machine}${restartNeeded ? ' from its next restart on' : ''}.`;
    }
    await calls['machines.addDisk']({ ...ref, source: { kind: 'existing', claim: name }, bus: 'scsi' }, context);
    // What a machine writes to is no image to make others from.
    const body = { metadata: { labels: { [IMAGE_LABEL]: null } } };
    for (const of of [dataVolumes, claims]) await client.call('PATCH', pathOf(of, namespace, name), { contentType: 'application/merge-patch+json', body });
    return `It is a disk of ${then.machine}.`;
  };
}

/** The first drive, an empty one before others. Pure. */
export function driveFor({ spec }: VirtualMachine): string | undefined {
  const { volumes = [], domain } = spec.template.spec;
  const drives = (domain.devices.disks ?? []).filter(({ cdrom }) => cdrom !== undefined).map(({ name }) => name);
  // Drives with answers for the first start are no drives for discs.
  const filled = new Map(volumes.map((volume) => [volume.name, volume.persistentVolumeClaim ?? volume.dataVolume]));
  return drives.find((name) => !filled.has(name)) ?? drives.find((name) => filled.get(name) !== undefined);
}
