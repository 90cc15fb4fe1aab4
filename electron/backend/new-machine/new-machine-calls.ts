/** Making machines, and looking at what would be made. */
import { stringify } from 'yaml';
import type { CallHandlers } from '#shared/channel/handlers.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { virtualMachines } from '../clusters/kinds.ts';
import { refOf, type ActionParts } from '../machine-actions/parts.ts';
import { defaults } from './defaults.ts';
import { askOffers } from './offers.ts';
import { prepare } from './prepare.ts';
import { objectionOf } from './refusal.ts';
import { make, tryOut } from './send.ts';
import { sha512Crypt } from './sha512-crypt.ts';

type NewMachineCalls = Pick<CallHandlers, 'machines.defaults' | 'machines.offers' | 'machines.plan' | 'machines.create' | 'machines.hashPassword'>;

/** How long a new machine's watch event is waited for. */
const slowestWatchMs = 2000;

export function newMachineCalls({ clusters, tasks }: ActionParts): NewMachineCalls {
  return {
    'machines.defaults': ({ clusterId, image }) => defaults(clusters.get(clusterId), image),
    'machines.offers': async ({ clusterId, namespace }) => askOffers(await clusters.get(clusterId).client(), namespace),
    'machines.plan': async (request) => {
      const cluster = clusters.get(request.clusterId);
      const client = await cluster.client();
      const { objects } = await prepare(client, cluster.view.flavour, request);
      const refusals = await tryOut(client, objects);
      return {
        yaml: yamlOf(objects),
        objects: objects.map(({ kind, metadata }) => ({ kind, name: metadata.name ?? '' })),
        objections: refusals.map(objectionOf),
      };
    },
    'machines.create': async (request) => {
      const cluster = clusters.get(request.clusterId);
      const client = await cluster.client();
      const { objects, copyOf } = await prepare(client, cluster.view.flavour, request);
      const [refusal] = await tryOut(client, objects);
      if (refusal) throw refusal;
      await make(client, objects);
      const ref = refOf(request);
      if (copyOf !== undefined) {
        const object = objects[0]?.metadata.name ?? '';
        tasks.begin({ kind: 'clone', machine: { ...ref, name: copyOf }, object, target: ref.name, subject: ref.name });
        return ref;
      }
      // Whoever opens its page next must not be told that there is no such machine.
      await cluster.cache(virtualMachines).known(`${ref.namespace}/${ref.name}`, slowestWatchMs);
      tasks.begin({ kind: 'create', machine: ref });
      return ref;
    },
    'machines.hashPassword': ({ password }) => Promise.resolve({ hash: sha512Crypt(password) }),
  };
}

/** One document an object, as `kubectl apply` takes it. */
export const yamlOf = (objects: readonly KubeObject[]): string => objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n');
