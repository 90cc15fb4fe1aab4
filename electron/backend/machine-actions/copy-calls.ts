/** Snapshots of a machine, and what is made of them: the machine as it was, or another one. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import type { VirtualMachineClone } from '#shared/kube/clone.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';
import { nameProblem } from '#shared/kube/names.ts';
import type { SourceReference, VirtualMachineRestore, VirtualMachineSnapshot } from '#shared/kube/snapshot.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { clones, pathOf, restores, snapshots, virtualMachines } from '../clusters/kinds.ts';
import { aboutMachine, orUndefined, readInstance, type ActionParts } from './parts.ts';

type CopyCalls = Pick<
  CallHandlers,
  'machines.snapshot' | 'machines.restore' | 'machines.deleteSnapshot' | 'machines.clone' | 'machines.cloneSnapshot'
>;

const machineSource = (name: string): SourceReference => ({ apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name });
const snapshotSource = (name: string): SourceReference => ({ apiGroup: 'snapshot.kubevirt.io', kind: 'VirtualMachineSnapshot', name });

/** A name for an object that a person never sees, and that nobody else takes. */
const workName = (machine: string, what: string): string => `${machine.slice(0, 45)}-${what}-${crypto.randomUUID().slice(0, 8)}`;

export function copyCalls({ clusters, tasks }: ActionParts): CopyCalls {
  /** Both kinds of clones: of a machine as it is now, and as it was. */
  const cloneOf = async (ref: ObjectRef, source: SourceReference, newName: string): Promise<{ taskId: string }> => {
    const problem = nameProblem(newName);
    if (problem !== undefined) throw new HayloftError('bad-input', problem, { field: 'newName' });
    const client = await clusters.get(ref.clusterId).client();
    const about = await aboutMachine(client, ref);
    if (await orUndefined(client.call('GET', pathOf(virtualMachines, ref.namespace, newName)))) {
      throw taken(`There is a machine called “${newName}” already.`, 'newName');
    }
    const name = workName(ref.name, 'clone');
    const clone: VirtualMachineClone = {
      apiVersion: 'clone.kubevirt.io/v1beta1',
      kind: 'VirtualMachineClone',
      metadata: { name, namespace: ref.namespace },
      spec: { source, target: machineSource(newName) },
    };
    await client.call('POST', pathOf(clones, ref.namespace), { body: clone });
    return tasks.begin({ kind: 'clone', ...about, object: name, target: newName, subject: newName });
  };
  return {
    'machines.snapshot': async ({ snapshot: name, description, ...ref }) => {
      const problem = nameProblem(name);
      if (problem !== undefined) throw new HayloftError('bad-input', problem, { field: 'snapshot' });
      const client = await clusters.get(ref.clusterId).client();
      const about = await aboutMachine(client, ref);
      const body: VirtualMachineSnapshot = {
        apiVersion: 'snapshot.kubevirt.io/v1beta1',
        kind: 'VirtualMachineSnapshot',
        metadata: {
          name,
          namespace: ref.namespace,
          ...(description ? { annotations: { [DESCRIPTION_ANNOTATION]: description } } : {}),
        },
        spec: { source: machineSource(ref.name) },
      };
      await client.call('POST', pathOf(snapshots, ref.namespace), { body }).catch((error: unknown) => {
        if (asHayloftError(error).code !== 'already-exists') throw error;
        throw taken(`There is a snapshot called “${name}” already.`, 'snapshot', error);
      });
      return tasks.begin({ kind: 'snapshot', ...about, object: name, subject: name });
    },
    'machines.restore': async ({ snapshot: from, stop, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      const about = await aboutMachine(client, ref);
      if (!stop && (await readInstance(client, ref))) {
        throw new HayloftError('conflict', `${ref.name} is running, and its disks are in use.`, { hint: 'Shut it down first, or let Hayloft do so.' });
      }
      const name = workName(ref.name, 'restore');
      const body: VirtualMachineRestore = {
        apiVersion: 'snapshot.kubevirt.io/v1beta1',
        kind: 'VirtualMachineRestore',
        metadata: { name, namespace: ref.namespace },
        spec: {
          target: machineSource(ref.name),
          virtualMachineSnapshotName: from,
          targetReadinessPolicy: stop ? 'StopTarget' : 'FailImmediate',
        },
      };
      await client.call('POST', pathOf(restores, ref.namespace), { body });
      return tasks.begin({ kind: 'restore', ...about, object: name, subject: from });
    },
    'machines.deleteSnapshot': async ({ snapshot: name, ...ref }) => {
      await deleteSnapshot(await clusters.get(ref.clusterId).client(), ref.namespace, name);
      return {};
    },
    'machines.clone': ({ newName, ...ref }) => cloneOf(ref, machineSource(ref.name), newName),
    'machines.cloneSnapshot': ({ newName, snapshot: from, ...ref }) => cloneOf(ref, snapshotSource(from), newName),
  };
}

/** Gone already is as good. */
export async function deleteSnapshot(client: ApiClient, namespace: string, name: string): Promise<void> {
  await orUndefined(client.call('DELETE', pathOf(snapshots, namespace, name)));
}

const taken = (message: string, field: string, cause?: unknown): HayloftError =>
  new HayloftError('already-exists', message, { hint: 'Choose another name.', field, ...(cause === undefined ? {} : { cause }) });
