/** What the actions on a machine are made of. */
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { pathOf, virtualMachineInstances, virtualMachines, type Kind } from '../clusters/kinds.ts';
import type { TaskEntry } from '../tasks/entry.ts';
import type { Tasks } from '../tasks/tasks.ts';

export interface ActionParts {
  clusters: Clusters;
  tasks: Tasks;
}

/** How often a change is made again on what somebody else has changed meanwhile. */
const mostTries = 4;

/** The reference alone, without what else an input carries. */
export const refOf = ({ clusterId, namespace, name }: ObjectRef): ObjectRef => ({ clusterId, namespace, name });

export async function orUndefined<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (asHayloftError(error).code === 'not-found') return undefined;
    throw error;
  }
}

/** @throws HayloftError `not-found` that says that the machine is gone */
export async function readMachine(client: ApiClient, { namespace, name }: ObjectRef): Promise<VirtualMachine> {
  const machine = await orUndefined(client.call<VirtualMachine>('GET', pathOf(virtualMachines, namespace, name)));
  if (!machine) throw new HayloftError('not-found', `There is no machine “${name}” any more. It may have been deleted, here or elsewhere.`);
  return machine;
}

/** Its running instance, or undefined while it is off. */
export async function readInstance(client: ApiClient, { namespace, name }: ObjectRef): Promise<VirtualMachineInstance | undefined> {
  const instance = await orUndefined(client.call<VirtualMachineInstance>('GET', pathOf(virtualMachineInstances, namespace, name)));
  const phase = instance?.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed' ? undefined : instance;
}

/** Its instance, unless that is ending already: what is changed from now on is there when the machine starts next. */
export async function readStaying(client: ApiClient, ref: ObjectRef): Promise<VirtualMachineInstance | undefined> {
  const instance = await readInstance(client, ref);
  return instance?.metadata.deletionTimestamp === undefined ? instance : undefined;
}

/** All of one kind, in a namespace or everywhere; none where the cluster does not have the kind, or this user may not see it. */
export async function listAll<T extends KubeObject>(client: ApiClient, kind: Kind<T>, namespace: string | undefined): Promise<T[]> {
  try {
    return (await client.call<KubeList<T>>('GET', pathOf(kind, namespace))).items;
  } catch (error) {
    const { code } = asHayloftError(error);
    if (code === 'not-found' || code === 'forbidden') return [];
    throw error;
  }
}

/**
 * Changes a machine as it is now. Where somebody else was quicker, the change is made again on what they made.
 * @param change edits the object it is given; throws what speaks against it
 * @returns the machine as the cluster took it, and what `change` returned
 */
export async function editMachine<T>(
  client: ApiClient,
  ref: ObjectRef,
  change: (machine: VirtualMachine) => T,
): Promise<{ machine: VirtualMachine; result: T }> {
  for (let tries = 1; ; tries++) {
    const machine = await readMachine(client, ref);
    const result = change(machine);
    try {
      const path = pathOf(virtualMachines, ref.namespace, ref.name);
      return { machine: await client.call<VirtualMachine>('PUT', path, { body: machine }), result };
    } catch (error) {
      if (asHayloftError(error).code !== 'conflict' || tries === mostTries) throw error;
    }
  }
}

/** The part of a task that says which machine it is about, and which life of it. */
export async function aboutMachine(client: ApiClient, ref: ObjectRef): Promise<Pick<TaskEntry, 'machine' | 'machineUid' | 'instanceUid'>> {
  const [machine, instance] = await Promise.all([readMachine(client, ref), readInstance(client, ref)]);
  const { uid } = machine.metadata;
  const running = instance?.metadata.uid;
  return {
    machine: refOf(ref),
    ...(uid === undefined ? {} : { machineUid: uid }),
    ...(running === undefined ? {} : { instanceUid: running }),
  };
}
