/** Reads what a machine needs from its cluster, and brings it to another. */
import { asHayloftError } from '#shared/contract/errors.ts';
import { uniqueName } from '#shared/kube/names.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { configMaps, pathOf, secrets } from '../clusters/kinds.ts';
import { listAll, orUndefined } from '../machine-actions/parts.ts';
import { keptObject, namesBetween, needKey, needsOf, sameContent, type Need, type NeededObject } from './needs.ts';

const kindOf = ({ kind }: Need): typeof secrets | typeof configMaps => (kind === 'Secret' ? secrets : configMaps);

/** Those that are there and may be read; a Secret that may not is for its owner to give. */
export async function readNeeds(client: ApiClient, namespace: string, machine: VirtualMachine): Promise<NeededObject[]> {
  const found = await Promise.all(
    needsOf(machine).map(async (need) => {
      try {
        const object = await orUndefined(client.call<NeededObject>('GET', pathOf(kindOf(need), namespace, need.name)));
        return object && keptObject(need, object);
      } catch (error) {
        if (asHayloftError(error).code === 'forbidden') return undefined;
        throw error;
      }
    }),
  );
  return found.filter((object) => object !== undefined);
}

/**
 * Names for them where the machine goes: the old ones where they are free, or hold the same already. Nothing that is
 * there is overwritten.
 * @returns by `needKey`
 */
export async function freeNames(client: ApiClient, namespace: string, objects: readonly NeededObject[], newMachine: string): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const object of objects) {
    const need: Need = { kind: object.kind, name: object.metadata.name ?? '' };
    const there = await orUndefined(client.call<NeededObject>('GET', pathOf(kindOf(need), namespace, need.name)));
    if (!there || sameContent(there, object)) {
      names.set(needKey(need), need.name);
      continue;
    }
    const taken = (await listAll<NeededObject>(client, kindOf(need) as never, namespace)).map(({ metadata }) => metadata.name ?? '');
    names.set(needKey(need), uniqueName(`${newMachine}-${need.name}`, new Set(taken)));
  }
  return names;
}

/** Makes those that are not there. They belong to the restored machine, and go with it. */
export async function ensureNeeds(client: ApiClient, restored: VirtualMachine, backedUp: VirtualMachine, objects: readonly NeededObject[]): Promise<void> {
  const { apiVersion, kind, metadata } = restored;
  const { namespace = '', name = '', uid = '' } = metadata;
  const names = namesBetween(backedUp, restored);
  for (const object of objects) {
    const need: Need = { kind: object.kind, name: object.metadata.name ?? '' };
    const body = { ...object, metadata: { ...object.metadata, namespace, name: names.get(needKey(need)) ?? need.name, ownerReferences: [{ apiVersion, kind, name, uid }] } };
    try {
      await client.call('POST', pathOf(kindOf(need), namespace), { body });
    } catch (error) {
      // It was looked at: it holds the same, or an earlier run made it.
      if (asHayloftError(error).code !== 'already-exists') throw error;
    }
  }
}
