/** Sends what a machine is made of: first for the cluster to look at, then to be kept; all of it or nothing. */
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { clones, pathOf, secrets, services, virtualMachines, type Kind } from '../clusters/kinds.ts';
import { remove } from '../tasks/remove.ts';
import { refusalOf } from './refusal.ts';

const kinds: Record<string, Kind<KubeObject>> = {
  Secret: secrets,
  VirtualMachine: virtualMachines,
  Service: services,
  VirtualMachineClone: clones,
};

/** Fields that the cluster does not know are refused rather than dropped; older clusters ignore the parameter. */
const strictly = 'fieldManager=hayloft&fieldValidation=Strict';

const kindOf = ({ kind }: KubeObject): Kind<KubeObject> => {
  const known = kinds[kind];
  if (!known) throw new Error(`A ${kind} is no part of a new machine.`);
  return known;
};

/** What the cluster has against the objects. @throws HayloftError when it cannot be asked */
export async function tryOut(client: ApiClient, objects: readonly KubeObject[]): Promise<HayloftError[]> {
  const answers = await Promise.all(
    objects.map((object) =>
      post(client, object, '&dryRun=All').then(
        () => undefined,
        (error: unknown) => asHayloftError(error),
      ),
    ),
  );
  const refusals = answers.filter((error) => error !== undefined);
  const broken = refusals.find(({ retryable, code }) => retryable || code === 'unauthorized' || code === 'unreachable');
  if (broken) throw broken;
  return refusals;
}

/** Makes them in their order, and lets the machine own the others. What was made is taken back when one is refused. */
export async function make(client: ApiClient, objects: readonly KubeObject[]): Promise<void> {
  const made: KubeObject[] = [];
  try {
    for (const object of objects) made.push(await post(client, object));
    await own(client, made);
  } catch (error) {
    for (const { kind, metadata } of made.reverse()) await remove(client, kindOf({ kind } as KubeObject), metadata.namespace ?? '', metadata.name ?? '');
    throw error;
  }
}

async function own(client: ApiClient, made: readonly KubeObject[]): Promise<void> {
  const machine = made.find(({ kind }) => kind === 'VirtualMachine');
  if (!machine) return;
  const { name = '', uid = '' } = machine.metadata;
  const owner = { apiVersion: machine.apiVersion, kind: machine.kind, name, uid };
  for (const object of made) {
    if (object === machine) continue;
    const { metadata } = object;
    await client.call('PATCH', pathOf(kindOf(object), metadata.namespace ?? '', metadata.name ?? ''), {
      contentType: 'application/merge-patch+json',
      body: { metadata: { ownerReferences: [owner] } },
    });
  }
}

async function post(client: ApiClient, object: KubeObject, query = ''): Promise<KubeObject> {
  try {
    return await client.call<KubeObject>('POST', `${pathOf(kindOf(object), object.metadata.namespace ?? '')}?${strictly}${query}`, { body: object });
  } catch (error) {
    throw refusalOf(asHayloftError(error), object);
  }
}
