/** What a person does with backups. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import type { backupCalls as calls } from '#shared/contract/backups.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { nameProblem } from '#shared/kube/names.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { claims, pathOf, virtualMachines } from '../clusters/kinds.ts';
import { aboutMachine, orUndefined, readInstance, readMachine, refOf, type ActionParts } from '../machine-actions/parts.ts';
import { claimsOf } from '../machine-actions/usage.ts';
import { ALLOCATED } from '../machines/machine-disks.ts';
import { PARTIAL_ENDING, readIndex } from './layout.ts';
import { freeBytes, namedFolder, needRoom, offeredFolder, refuseTaken, usualFolder } from './folders.ts';
import { inspect, listBackups, type FileChecks } from './inspect.ts';
import { nameTaken } from './restore.ts';

/** Packed or with holes, a disk may take a little more than what is written on it. */
const margin = 1.02;

export function backupCalls({ clusters, tasks }: ActionParts, checks: FileChecks): Pick<CallHandlers, keyof typeof calls> {
  return {
    'backups.plan': async (ref) => {
      const client = await clusters.get(ref.clusterId).client();
      const [disks, instance, folder] = await Promise.all([disksOf(client, ref), readInstance(client, ref), offeredFolder(ref.name, new Date())]);
      return { folder, freeBytes: await freeBytes(folder), needBytes: bytesFor(disks), running: instance !== undefined, disks };
    },
    'backups.begin': async ({ folder: named, packing, ...ref }) => {
      const folder = namedFolder(named);
      const client = await clusters.get(ref.clusterId).client();
      const about = await aboutMachine(client, ref);
      for (const path of [folder, folder + PARTIAL_ENDING]) await refuseTaken(path);
      await needRoom(folder, bytesFor(await disksOf(client, ref)));
      const object = `${ref.name.slice(0, 40)}-backup-${crypto.randomUUID().slice(0, 8)}`;
      return tasks.begin({ kind: 'backup', ...about, object, folder, packing, subject: folder });
    },
    'backups.list': async () => ({ folder: usualFolder(), backups: await listBackups(usualFolder()) }),
    'backups.inspect': ({ folder }) => inspect(namedFolder(folder)),
    'backups.check': async ({ folder, file }) => ({ state: await checks.check(namedFolder(folder), file) }),
    'backups.restore': async ({ folder: named, start, ...ref }) => {
      const folder = namedFolder(named);
      const problem = nameProblem(ref.name);
      if (problem !== undefined) throw new HayloftError('bad-input', problem, { field: 'name' });
      await readIndex(folder);
      const client = await clusters.get(ref.clusterId).client();
      await requireNamespace(client, ref.namespace);
      if (await orUndefined(client.call('GET', pathOf(virtualMachines, ref.namespace, ref.name)))) throw nameTaken(ref.name);
      return tasks.begin({ kind: 'restoreBackup', machine: refOf(ref), folder, start, subject: folder });
    },
  };
}

/** @throws HayloftError at `namespace` */
async function requireNamespace(client: ApiClient, namespace: string): Promise<void> {
  const problem = nameProblem(namespace);
  if (problem !== undefined) throw new HayloftError('bad-input', problem, { field: 'namespace' });
  try {
    if (await orUndefined(client.call('GET', `/api/v1/namespaces/${namespace}`))) return;
  } catch (error) {
    // Whoever may not see namespaces may still use his own.
    if (asHayloftError(error).code === 'forbidden') return;
    throw error;
  }
  throw new HayloftError('not-found', `This cluster has no namespace “${namespace}”.`, { hint: `Make it (kubectl create namespace ${namespace}), or choose another.`, field: 'namespace' });
}

interface PlannedDisk {
  claim: string;
  sizeBytes?: number;
  usedBytes?: number;
}

async function disksOf(client: ApiClient, ref: ObjectRef): Promise<PlannedDisk[]> {
  const machine = await readMachine(client, ref);
  return Promise.all(
    claimsOf(machine).map(async (name) => {
      const claim = await orUndefined(client.call<PersistentVolumeClaim>('GET', pathOf(claims, ref.namespace, name)));
      const sizeBytes = parseQuantity(claim?.status?.capacity?.storage ?? claim?.spec.resources?.requests?.storage);
      const usedBytes = parseQuantity(claim?.metadata.annotations?.[ALLOCATED]);
      return { claim: name, ...(sizeBytes === undefined ? {} : { sizeBytes }), ...(usedBytes === undefined ? {} : { usedBytes }) };
    }),
  );
}

/** At most, as far as the cluster tells: what is empty takes no room, raw or packed. */
function bytesFor(disks: readonly PlannedDisk[]): number {
  return Math.ceil(margin * disks.reduce((sum, { sizeBytes = 0, usedBytes = sizeBytes }) => sum + Math.min(sizeBytes, usedBytes), 0));
}
