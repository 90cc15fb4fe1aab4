/**
 * Processors and memory of machines that get them from an instancetype: their template names none. What a machine's
 * type said when it began with it is kept in a ControllerRevision, which never changes; each is asked for once.
 */
import type { ControllerRevision, Instancetype, InstancetypeSpec } from '#shared/kube/instancetype.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { virtualMachines } from '../clusters/kinds.ts';

export interface TypeSize {
  cores: number;
  memoryBytes: number;
}

/** A type itself may change, and a failure pass: both are asked for again when somebody looks after this time. */
const passingMs = 60_000;

interface Answer {
  size: TypeSize | undefined;
  /** As `performance.now()`; Infinity for what never changes. */
  until: number;
}

const answers = new WeakMap<ClusterConnection, Map<string, Answer>>();

/** @returns undefined for a machine without a type, and until the cluster has told: its row is then worked out again */
export function typeSize(cluster: ClusterConnection, vm: VirtualMachine): TypeSize | undefined {
  const path = pathOfType(vm);
  if (path === undefined) return undefined;
  let known = answers.get(cluster);
  if (!known) answers.set(cluster, (known = new Map<string, Answer>()));
  const answer = known.get(path);
  if (answer && performance.now() < answer.until) return answer.size;
  // Nobody asks a second time meanwhile; what is known stays until then.
  known.set(path, { size: answer?.size, until: performance.now() + passingMs });
  void ask(cluster, path).then((size) => {
    const lasts = size !== undefined && path.includes('/controllerrevisions/');
    known.set(path, { size, until: lasts ? Infinity : performance.now() + passingMs });
    if (size?.cores === answer?.size?.cores && size?.memoryBytes === answer?.size?.memoryBytes) return;
    const { objects } = cluster.cache(virtualMachines);
    cluster.cache(virtualMachines).touch((key) => {
      const other = objects.get(key);
      return other !== undefined && pathOfType(other) === path;
    });
  });
  return answer?.size;
}

/** Where the type is to be read, as the machine has it, or will have. */
function pathOfType({ metadata, spec, status }: VirtualMachine): string | undefined {
  const { instancetype } = spec;
  if (!instancetype) return undefined;
  const namespace = encodeURIComponent(metadata.namespace ?? '');
  const { name = '', kind = '' } = instancetype;
  const ref = status?.instancetypeRef;
  const revision = instancetype.revisionName ?? (ref?.name === name ? ref.controllerRevisionRef?.name : undefined);
  if (revision !== undefined) return `/apis/apps/v1/namespaces/${namespace}/controllerrevisions/${encodeURIComponent(revision)}`;
  const inNamespace = /^virtualmachineinstancetypes?$/i.test(kind);
  const list = inNamespace ? `namespaces/${namespace}/virtualmachineinstancetypes` : 'virtualmachineclusterinstancetypes';
  return `/apis/instancetype.kubevirt.io/v1beta1/${list}/${encodeURIComponent(name)}`;
}

/** Who may not read types sees machines without their sizes: nothing to make a fuss about. */
async function ask(cluster: ClusterConnection, path: string): Promise<TypeSize | undefined> {
  try {
    const client = await cluster.client();
    return sizeOf(await client.call<ControllerRevision | Instancetype>('GET', path));
  } catch (error) {
    cluster.warn('An instancetype could not be read', { path, error: String(error) });
    return undefined;
  }
}

function sizeOf(object: ControllerRevision | Instancetype): TypeSize | undefined {
  const spec = ('data' in object ? (object.data as { spec?: unknown } | undefined)?.spec : (object as Instancetype).spec) as Partial<InstancetypeSpec> | undefined;
  const memoryBytes = parseQuantity(spec?.memory?.guest);
  const cores = spec?.cpu?.guest;
  return typeof cores === 'number' && memoryBytes !== undefined ? { cores, memoryBytes } : undefined;
}
