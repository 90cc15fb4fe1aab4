/** The export that a backup is downloaded from: of the machine while it is off, else of a snapshot that is made for it. */
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { VirtualMachineExport } from '#shared/kube/export.ts';
import type { SourceReference, VirtualMachineSnapshot } from '#shared/kube/snapshot.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { exports, pathOf, snapshots } from '../clusters/kinds.ts';
import { untilObject } from '../clusters/until-object.ts';
import { orUndefined } from '../machine-actions/parts.ts';
import { remove } from '../tasks/remove.ts';

/** A backup that takes longer has failed in another way; what was made for it goes by itself then. */
const lifetime = '24h0m0s';

export interface ExportName {
  namespace: string;
  /** Of the export, and of its snapshot. */
  name: string;
}

/** The machine's disks are in use: they can only be read by way of a snapshot. */
export class DisksInUse extends HayloftError {
  constructor(message: string) {
    super('conflict', `The machine’s disks are in use: ${message}`, { hint: 'Shut down what uses them, then back the machine up.' });
  }
}

export const ofSnapshot = ({ spec }: VirtualMachineExport): boolean => spec.source.kind === 'VirtualMachineSnapshot';

/** The export of this name, made where it is not there. */
export async function ensureExport(client: ApiClient, { namespace, name }: ExportName, machine: string, bySnapshot: boolean): Promise<VirtualMachineExport> {
  const known = await orUndefined(client.call<VirtualMachineExport>('GET', pathOf(exports, namespace, name)));
  const source: SourceReference = bySnapshot
    ? { apiGroup: 'snapshot.kubevirt.io', kind: 'VirtualMachineSnapshot', name }
    : { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: machine };
  const body: VirtualMachineExport = {
    apiVersion: 'export.kubevirt.io/v1beta1',
    kind: 'VirtualMachineExport',
    metadata: { name, namespace },
    spec: { source, ttlDuration: lifetime },
  };
  const found = known ?? (await client.call<VirtualMachineExport>('POST', pathOf(exports, namespace), { body }));
  if (ofSnapshot(found)) await ensureSnapshot(client, found, machine);
  return found;
}

/** It belongs to the export, and goes with it, whatever becomes of this app. */
async function ensureSnapshot(client: ApiClient, { apiVersion, kind, metadata }: VirtualMachineExport, machine: string): Promise<void> {
  const { namespace = '', name = '', uid = '' } = metadata;
  const snapshot: VirtualMachineSnapshot = {
    apiVersion: 'snapshot.kubevirt.io/v1beta1',
    kind: 'VirtualMachineSnapshot',
    metadata: { name, namespace, ownerReferences: [{ apiVersion, kind, name, uid }] },
    spec: { source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: machine } },
  };
  try {
    await client.call('POST', pathOf(snapshots, namespace), { body: snapshot });
  } catch (error) {
    const { code } = asHayloftError(error);
    if (code === 'already-exists') return;
    if (code !== 'not-found') throw error;
    throw new HayloftError('unsupported', 'This cluster takes no snapshots, and the disks of a running machine cannot be read in any other way.', {
      hint: 'Shut the machine down, then back it up.',
      cause: error,
    });
  }
}

/**
 * @param waiting told what it waits for
 * @throws HayloftError {@link DisksInUse}, or why it will never be ready
 */
export async function exportReady(cluster: ClusterConnection, { namespace, name }: ExportName, signal: AbortSignal, waiting: (why: string) => void): Promise<VirtualMachineExport> {
  const client = await cluster.client(signal);
  const { spec } = await client.call<VirtualMachineExport>('GET', pathOf(exports, namespace, name));
  if (spec.source.kind === 'VirtualMachineSnapshot') {
    waiting('A snapshot of its disks is being taken.');
    await untilObject(cluster, { kind: snapshots, namespace, name }, snapshotReady, signal);
  }
  waiting('The cluster is preparing its disks for download.');
  return untilObject(cluster, { kind: exports, namespace, name }, (found) => {
    if (!found) throw new HayloftError('not-found', 'The export of the machine was deleted, here or elsewhere.', { hint: 'Take the backup again.' });
    const { phase, links } = found.status ?? {};
    if (phase === 'Ready' && (links?.internal ?? links?.external)) return found;
    if (phase === 'Skipped') throw new HayloftError('unsupported', 'This machine has no disks that could be backed up.', { hint: 'Its definition can be copied from its page.' });
    if (phase === 'Terminated') throw new HayloftError('timeout', 'The time of the export was over before all was downloaded.', { hint: 'Take the backup again.' });
    const condition = findCondition(found.status?.conditions, 'Ready');
    if (condition?.status === 'False' && condition.reason === 'InUse') throw new DisksInUse(condition.message ?? '');
    if (condition?.message) waiting(condition.message);
    return undefined;
  }, signal);
}

function snapshotReady(found: VirtualMachineSnapshot | undefined): true | undefined {
  if (!found) throw new HayloftError('not-found', 'The snapshot that was taken for the backup was deleted.', { hint: 'Take the backup again.' });
  if (found.status?.phase === 'Failed') {
    throw new HayloftError('internal', found.status.error?.message ?? 'The cluster could not take a snapshot of the machine.', { hint: 'Shut the machine down, then back it up.' });
  }
  return found.status?.readyToUse === true ? true : undefined;
}

/** Whether the machine ran when the export's snapshot was taken. */
export async function wasRunning(client: ApiClient, found: VirtualMachineExport): Promise<boolean> {
  if (!ofSnapshot(found)) return false;
  const snapshot = await orUndefined(client.call<VirtualMachineSnapshot>('GET', pathOf(snapshots, found.metadata.namespace, found.spec.source.name)));
  return snapshot?.status?.indications?.includes('Online') === true;
}

/** Resolves when nothing of it is left to be done here. @throws HayloftError when the cluster refuses, or is not there */
export async function removeExport(client: ApiClient, { namespace, name }: ExportName): Promise<void> {
  await remove(client, exports, namespace, name);
  // On clusters its owner's end takes it along, too; this is sooner.
  await remove(client, snapshots, namespace, name);
}
