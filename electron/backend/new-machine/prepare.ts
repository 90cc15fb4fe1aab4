/** From a request to the objects that are sent: what only the cluster knows is filled in, and nonsense is refused. */
import { userDataProblem } from '#shared/cloud-init/check.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { MachineRequest, NewMachine } from '#shared/contract/new-machine.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { nameProblem } from '#shared/kube/names.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { VirtualMachineSnapshot } from '#shared/kube/snapshot.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { claims, pathOf, snapshots, virtualMachines } from '../clusters/kinds.ts';
import { asClusterWants, imageBytes, readImage } from '../harvester/harvester-facts.ts';
import { listAll } from '../machine-actions/parts.ts';
import { usersOf } from '../machine-actions/usage.ts';
import { isCopy, objectsOf } from '../machines/manifest/objects.ts';

export interface Prepared {
  /** In the order in which they are to be made. */
  objects: KubeObject[];
  /** Name of the machine that a copy is of. */
  copyOf?: string;
}

/**
 * @param flavour what answers: Harvester has a shape of its own for machines
 * @throws HayloftError with the form's field
 */
export async function prepare(client: ApiClient, flavour: string, request: MachineRequest): Promise<Prepared> {
  const problem = nameProblem(request.name);
  if (problem !== undefined) throw new HayloftError('bad-input', problem, { field: 'name' });
  if (isCopy(request)) {
    const { spec } = await found<VirtualMachineSnapshot>(
      client.call('GET', pathOf(snapshots, request.namespace, request.snapshot)),
      `There is no snapshot “${request.snapshot}”.`,
      'Choose another one.',
    );
    return { objects: objectsOf(request), copyOf: spec.source.name };
  }
  checkForm(request);
  const diskBytes = await sizeForSource(client, request);
  return { objects: await asClusterWants(client, flavour, request.namespace, objectsOf({ ...request, diskBytes })) };
}

function checkForm({ userData, networks }: NewMachine): void {
  const wrong = userData === undefined ? undefined : userDataProblem(userData);
  if (wrong !== undefined) throw new HayloftError('bad-input', wrong, { field: 'userData' });
  if (networks.filter(({ kind }) => kind === 'nat').length > 1) {
    throw new HayloftError('bad-input', 'A machine has one card behind the host at most.', { field: 'networks' });
  }
}

/** The disk's size in bytes: a copy of an image has to hold it. Throws `not-found` when what it is made from is not there. */
async function sizeForSource(client: ApiClient, { source, namespace, diskBytes }: NewMachine): Promise<number> {
  if (source.kind === 'empty') return diskBytes;
  const name = source.kind === 'volume' ? source.claim : source.image;
  const image = source.kind === 'volume' ? undefined : await readImage(client, namespace, name);
  if (image) return source.kind === 'disk' ? Math.max(diskBytes, imageBytes(image)) : diskBytes;
  const claim = await found<PersistentVolumeClaim>(
    client.call('GET', pathOf(claims, namespace, name)),
    `There is no ${source.kind === 'volume' ? 'volume' : 'image'} “${name}”.`,
    source.kind === 'volume' ? 'Choose another one.' : 'Choose another image, or upload it again.',
  );
  if (source.kind === 'iso') return diskBytes;
  if (source.kind === 'volume') {
    const users = usersOf(name, await listAll(client, virtualMachines, namespace));
    if (users.length > 0) {
      throw new HayloftError('conflict', `The volume “${name}” is in use by ${users.join(', ')}.`, {
        hint: 'Two machines that write to one disk destroy what is on it. Clone the machine, or choose another volume.',
        field: 'source',
      });
    }
  }
  const { status, spec } = claim;
  return Math.max(diskBytes, parseQuantity(status?.capacity?.storage ?? spec.resources?.requests?.storage) ?? 0);
}

async function found<T>(asking: Promise<T>, message: string, hint: string): Promise<T> {
  return asking.catch((error: unknown) => {
    if (asHayloftError(error).code !== 'not-found') throw error;
    throw new HayloftError('not-found', message, { hint, field: 'source', cause: error });
  });
}
