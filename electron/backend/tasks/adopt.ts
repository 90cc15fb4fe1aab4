/** Work that goes on in a cluster and that no journal tells of: begun elsewhere, or before the journal was lost. */
import { findCondition } from '#shared/kube/machine-status.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { clones, migrations, restores, snapshots, type Kind } from '../clusters/kinds.ts';
import { listAll } from '../machine-actions/parts.ts';
import type { TaskEntry } from './entry.ts';

export type FoundTask = Omit<TaskEntry, 'id'>;

interface Described {
  /** Name of the machine that it works on. */
  machine: string | undefined;
  target?: string | undefined;
  subject?: string | undefined;
}

/** @returns one for each object that works on a machine now */
export async function tasksGoingOn(cluster: ClusterConnection): Promise<FoundTask[]> {
  const client = await cluster.client();
  const found = await Promise.all([
    open(client, cluster.id, 'snapshot', snapshots, ({ metadata, spec, status }) =>
      status?.readyToUse === true || status?.phase === 'Failed' ? undefined : { machine: spec.source.name, subject: metadata.name },
    ),
    open(client, cluster.id, 'restore', restores, ({ spec, status }) =>
      status?.complete === true || findCondition(status?.conditions, 'Failure')?.status === 'True'
        ? undefined
        : { machine: spec.target.name, subject: spec.virtualMachineSnapshotName },
    ),
    open(client, cluster.id, 'clone', clones, ({ spec, status }) =>
      status?.phase === 'Succeeded' || status?.phase === 'Failed' || spec.source.kind !== 'VirtualMachine'
        ? undefined
        : { machine: spec.source.name, target: spec.target?.name ?? status?.targetName, subject: spec.target?.name ?? status?.targetName },
    ),
    open(client, cluster.id, 'migrate', migrations, ({ spec, status }) =>
      status?.phase === 'Succeeded' || status?.phase === 'Failed' ? undefined : { machine: spec.vmiName },
    ),
  ]);
  return found.flat();
}

async function open<T extends KubeObject>(
  client: ApiClient,
  clusterId: string,
  task: TaskEntry['kind'],
  kind: Kind<T>,
  describe: (object: T) => Described | undefined,
): Promise<FoundTask[]> {
  const all = await listAll(client, kind, undefined);
  return all.flatMap((object) => {
    const { name = '', namespace = '', creationTimestamp, deletionTimestamp, ownerReferences = [] } = object.metadata;
    const described = describe(object);
    // What a clone makes for itself is told by the clone.
    const isPart = ownerReferences.some((owner) => owner.kind === 'VirtualMachineClone');
    if (described?.machine === undefined || isPart || deletionTimestamp !== undefined) return [];
    const { machine, target, subject } = described;
    return [
      {
        kind: task,
        machine: { clusterId, namespace, name: machine },
        object: name,
        begun: Date.parse(creationTimestamp ?? '') || Date.now(),
        ...(target === undefined ? {} : { target }),
        ...(subject === undefined ? {} : { subject }),
      },
    ];
  });
}
