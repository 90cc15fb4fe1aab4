/** Restores a backup: its files are checked, a machine is made that is off, its disks are uploaded, and it may start. */
import { join } from 'node:path';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import { formatBytes } from '#shared/format/units.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import { STATE_GROUP } from '#shared/kube/export.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { claims, dataVolumes, pathOf, virtualMachines } from '../clusters/kinds.ts';
import { sendImage } from '../images/send.ts';
import { fileSource } from '../images/upload-source.ts';
import { volumeReaches } from '../images/volume-phase.ts';
import { listAll, orUndefined } from '../machine-actions/parts.ts';
import { claimsOf } from '../machine-actions/usage.ts';
import type { TaskEntry } from '../tasks/entry.ts';
import { keptIn, manifestsIn, objectsIn, type FileChecks } from './inspect.ts';
import { isPaused, type Report, type Work } from './jobs.ts';
import { readIndex, type BackedUpDisk, type BackupIndex } from './layout.ts';
import type { Manifests } from './manifests.ts';
import { ensureNeeds, freeNames } from './needed-objects.ts';
import { renameNeeds, type NeededObject } from './needs.ts';
import { patiently } from './patience.ts';
import { RESTORE_ANNOTATION, claimNames, restoredDisk, restoredMachine, strategyAfter } from './restored-machine.ts';

export function restoreWork(clusters: Clusters, checks: FileChecks): Work {
  return async (entry, { signal, report }) => {
    const { folder = '', machine: ref } = entry;
    const cluster = clusters.get(ref.clusterId);
    const retried = <T>(attempt: (client: ApiClient) => Promise<T>): Promise<T> => patiently(cluster.view.server, signal, async () => attempt(await cluster.client(signal)));
    const index = await readIndex(folder);
    await checkFiles(folder, index, checks, signal, report);
    const manifests = await manifestsIn(folder, index);
    const objects = await objectsIn(folder, index);
    const state = index.state && (await keptIn(folder, index.state));
    try {
      report(undefined, 'The machine is being made.');
      const machine = await retried((client) => ensureMachine(client, entry, index, manifests, objects));
      await retried((client) => ensureNeeds(client, machine, manifests.machine, objects));
      const stateBack = state === undefined || (await retried((client) => giveState(client, machine, state)));
      const names = claimsOf(machine);
      const totalBytes = sum(index);
      let doneBytes = 0;
      for (const disk of index.disks) {
        const name = placeOf(disk, manifests, names);
        await retried((client) => ensureDisk(client, machine, disk, manifests, name));
        const at = { namespace: ref.namespace, name };
        const phase = await volumeReaches(cluster, at, ['UploadReady', 'Succeeded'], signal);
        if (phase === 'UploadReady') {
          const source = await fileSource(join(folder, disk.file));
          const tell = (bytes: number): void => report((doneBytes + bytes) / totalBytes, `${disk.name}: ${formatBytes(bytes)} of ${formatBytes(disk.fileBytes)} sent.`);
          tell(0);
          await sendImage(() => cluster.client(signal), { namespace: ref.namespace, claim: name }, source, { signal, progress: tell });
          report((doneBytes + disk.fileBytes) / totalBytes, `${disk.name} is being unpacked and written.`);
          await volumeReaches(cluster, at, ['Succeeded'], signal);
        }
        doneBytes += disk.fileBytes;
      }
      const runStrategy = strategyAfter(manifests.machine, entry.start === true);
      await retried((client) =>
        client.call('PATCH', pathOf(virtualMachines, ref.namespace, ref.name), {
          contentType: 'application/merge-patch+json',
          body: { metadata: { annotations: { [RESTORE_ANNOTATION]: null } }, spec: { runStrategy } },
        }),
      );
      const without = stateBack ? '' : ` This cluster takes back no state of firmware and TPM: it is in ${index.state?.file ?? ''}.`;
      return (entry.start === true ? `${ref.name} has its disks, and starts.` : `${ref.name} has its disks, and is off.`) + without;
    } catch (error) {
      if (!isPaused(signal)) await takeBack(clusters, entry);
      throw error;
    }
  };
}

const sum = ({ disks }: BackupIndex): number => Math.max(1, disks.reduce((bytes, disk) => bytes + disk.fileBytes, 0));

/** All of them before anything is made. @throws HayloftError `truncated` */
async function checkFiles(folder: string, index: BackupIndex, checks: FileChecks, signal: AbortSignal, report: Report): Promise<void> {
  for (const { file, name } of index.disks) {
    const state = await checks.check(folder, file, signal, (bytes) => report(undefined, `The backup is being checked: ${file}, ${formatBytes(bytes)}.`)).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
    if (state === 'good') continue;
    const what = state === 'missing' ? `The file ${file} is missing` : `The file ${file} is not as it was written: its checksum differs`;
    throw new HayloftError('truncated', `${what}, so the disk ${name} cannot be restored.`, { hint: 'Copy the backup’s folder again, or use another backup.' });
  }
}

/** The machine as this task made it, now or in an earlier run. */
async function ensureMachine(client: ApiClient, { id, machine: ref }: TaskEntry, index: BackupIndex, manifests: Manifests, objects: readonly NeededObject[]): Promise<VirtualMachine> {
  const { namespace, name } = ref;
  const known = await orUndefined(client.call<VirtualMachine>('GET', pathOf(virtualMachines, namespace, name)));
  if (known?.metadata.annotations?.[RESTORE_ANNOTATION] === id) return known;
  if (known) throw nameTaken(name);
  const [machines, volumes, there] = await Promise.all([
    listAll(client, virtualMachines, namespace),
    listAll(client, dataVolumes, namespace),
    listAll(client, claims, namespace),
  ]);
  const taken = [...volumes, ...there].map(({ metadata }) => metadata.name ?? '');
  const names = claimNames(index.disks.map((disk) => disk.name), index.machine.name, name, taken);
  const newIdentity = machines.some((other) => sharesIdentity(other, manifests.machine));
  const body = restoredMachine(manifests, names, { name, namespace, taskId: id, newIdentity });
  renameNeeds(body, await freeNames(client, namespace, objects, name));
  return client.call<VirtualMachine>('POST', pathOf(virtualMachines, namespace), { body });
}

/** @returns false where the cluster takes none: KubeVirt has nothing but a claim that somebody fills for it */
async function giveState(client: ApiClient, { metadata }: VirtualMachine, archive: Buffer): Promise<boolean> {
  const path = `/apis/${STATE_GROUP}/v1/namespaces/${metadata.namespace ?? ''}/virtualmachines/${metadata.name ?? ''}/persistentstate`;
  try {
    await client.call('PUT', path, { body: { archive: archive.toString('base64') } });
    return true;
  } catch (error) {
    const { code } = asHayloftError(error);
    if (code !== 'not-found') throw error;
    return false;
  }
}

export const nameTaken = (name: string): HayloftError =>
  new HayloftError('already-exists', `There is a machine called “${name}” already.`, { hint: 'Choose another name.', field: 'name' });

function sharesIdentity(one: VirtualMachine, other: VirtualMachine): boolean {
  const marks = ({ spec }: VirtualMachine): string[] => {
    const { devices, firmware } = spec.template.spec.domain;
    return [firmware?.uuid, ...(devices.interfaces ?? []).map(({ macAddress }) => macAddress?.toLowerCase())].filter((mark) => mark !== undefined);
  };
  const own = new Set(marks(one));
  return marks(other).some((mark) => own.has(mark));
}

/** The new machine's claim for a disk: it stands where the old one stood among the volumes. */
function placeOf(disk: BackedUpDisk, { machine }: Manifests, names: readonly string[]): string {
  const place = claimsOf(machine).indexOf(disk.name);
  const name = names[place];
  if (name === undefined) throw new HayloftError('truncated', `The backup’s machine has no disk “${disk.name}”.`, { hint: 'Use another backup.' });
  return name;
}

async function ensureDisk(client: ApiClient, machine: VirtualMachine, disk: BackedUpDisk, manifests: Manifests, name: string): Promise<void> {
  const { namespace } = machine.metadata;
  const known = await orUndefined(client.call<DataVolume>('GET', pathOf(dataVolumes, namespace, name)));
  if (known?.metadata.ownerReferences?.some(({ uid }) => uid === machine.metadata.uid)) return;
  await client.call('POST', pathOf(dataVolumes, namespace), { body: restoredDisk(disk, manifests, name, machine) });
}

/** The half-restored machine goes, and its disks with it. */
async function takeBack(clusters: Clusters, { id, machine: { clusterId, namespace, name } }: TaskEntry): Promise<void> {
  const cluster = clusters.get(clusterId);
  try {
    const client = await cluster.client();
    const path = pathOf(virtualMachines, namespace, name);
    const found = await orUndefined(client.call<VirtualMachine>('GET', path));
    if (found?.metadata.annotations?.[RESTORE_ANNOTATION] === id) await client.call('DELETE', path);
  } catch (error) {
    cluster.warn('What is left of a restore could not be removed', { name, error: asHayloftError(error).message });
  }
}
