/** Making machines. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { NewMachine, NewMachineDefaults,  } from '#shared/contract/machines.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { nameProblem, uniqueName } from '#shared/kube/names.ts';
import type { KubeList } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { claims, pathOf, virtualMachines } from '../clusters/kinds.ts';
import { nodesOf } from '../clusters/nodes.ts';
import type { ActionParts } from '../machine-actions/parts.ts';
import { machineManifest } from './manifest/machine.ts';

type MachineCalls = Pick<CallHandlers, 'machines.defaults' | 'machines.create' | 'machines.label'>;

const gib = 2 ** 30;
const defaultNamespace = 'default';
/** How long a new machine's watch event is waited for. */
const slowestWatchMs = 2000;
const smallestDiskBytes = 20 * gib;

export function machineCalls({ clusters, tasks }: ActionParts): MachineCalls {
  return {
    'machines.defaults': ({ clusterId, image }) => defaults(clusters.get(clusterId), image),
    'machines.create': async (form) => {
      const problem = nameProblem(form.name);
      if (problem !== undefined) throw new HayloftError('bad-input', problem, { field: 'name' });
      const cluster = clusters.get(form.clusterId);
      const client = await cluster.client();
      try {
        const diskBytes = await sizeForImage(client, form);
        await client.call('POST', pathOf(virtualMachines, form.namespace), { body: machineManifest({ ...form, diskBytes }) });
      } catch (error) {
        throw createFailure(asHayloftError(error), form.name);
      }
      // Whoever opens its page next must not be told that there is no such machine.
      await cluster.cache(virtualMachines).known(`${form.namespace}/${form.name}`, slowestWatchMs);
      const ref = { clusterId: form.clusterId, namespace: form.namespace, name: form.name };
      tasks.begin({ kind: 'create', machine: ref });
      return ref;
    },
    'machines.label': async ({ labels, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      await client.call('PATCH', pathOf(virtualMachines, ref.namespace, ref.name), {
        contentType: 'application/merge-patch+json',
        body: { metadata: { labels } },
      });
      return {};
    },
  };
}

/** The disk's size in bytes: a copy of an image has to hold it. Throws `not-found` when the image is not there. */
async function sizeForImage(client: ApiClient, form: NewMachine): Promise<number> {
  if (form.source.kind === 'empty') return form.diskBytes;
  const path = pathOf(claims, form.namespace, form.source.image);
  const claim = await client.call<PersistentVolumeClaim>('GET', path).catch((error: unknown) => {
    if (asHayloftError(error).code !== 'not-found') throw error;
    throw new HayloftError('not-found', `There is no image “${form.source.kind === 'empty' ? '' : form.source.image}”.`, {
      hint: 'Choose another image, or upload it again.',
      field: 'source',
      cause: error,
    });
  });
  if (form.source.kind === 'iso') return form.diskBytes;
  const { status, spec } = claim;
  return Math.max(form.diskBytes, parseQuantity(status?.capacity?.storage ?? spec.resources?.requests?.storage) ?? 0);
}

async function defaults(cluster: ClusterConnection, image: string | undefined): Promise<NewMachineDefaults> {
  const client = await cluster.client();
  const [machines, hosts, claim] = await Promise.all([
    client.call<KubeList<VirtualMachine>>('GET', pathOf(virtualMachines, defaultNamespace)),
    nodesOf(cluster),
    image === undefined
      ? undefined
      : client.call<PersistentVolumeClaim>('GET', pathOf(claims, defaultNamespace, image)).catch(() => undefined),
  ]);
  const takenNames = machines.items.map((machine) => machine.metadata.name ?? '');
  const largest = (value: (node: (typeof hosts)[number]) => number): number => Math.max(1, ...hosts.map(value));
  const cores = largest((node) => node.cpus);
  const memoryBytes = largest((node) => node.memoryBytes);
  const freeBytes = hosts.map((node) => node.diskFreeBytes).filter((bytes) => bytes !== undefined);
  const imageBytes = parseQuantity(claim?.status?.capacity?.storage) ?? 0;
  return {
    namespace: defaultNamespace,
    name: uniqueName(image ?? 'machine', takenNames),
    cores: Math.min(2, cores),
    // An eighth of the host leaves room for others; two gibibytes are what today's installers ask for.
    memoryBytes: Math.max(0.5 * gib, Math.min(2 * gib, roundDown(memoryBytes / 4, 0.25 * gib))),
    diskBytes: Math.max(smallestDiskBytes, Math.ceil(imageBytes / gib) * gib),
    firmware: 'bios',
    uefiAvailable: hosts.some((node) => node.uefi),
    limits: {
      cores,
      memoryBytes,
      ...(freeBytes.length === 0 ? {} : { diskFreeBytes: Math.max(...freeBytes) }),
    },
    takenNames,
  };
}

const roundDown = (value: number, step: number): number => Math.floor(value / step) * step;

/** Points a refusal to the question of the form that it is about. */
function createFailure(error: HayloftError, name: string): HayloftError {
  if (error.code === 'already-exists') {
    return new HayloftError('already-exists', `There is a machine called “${name}” already.`, {
      hint: 'Choose another name.',
      field: 'name',
      cause: error,
    });
  }
  const fields: Record<string, string> = { memory: 'memoryBytes', cpu: 'cores', storage: 'diskBytes', bootloader: 'firmware' };
  const part = Object.keys(fields).find((word) => error.field?.includes(word));
  const field = part === undefined ? undefined : fields[part];
  if (field === undefined) return error;
  return new HayloftError(error.code, error.message, {
    field,
    retryable: error.retryable,
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
