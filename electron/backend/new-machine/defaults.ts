/** What a form for a new machine begins with, from what the cluster has. */
import type { NewMachineDefaults } from '#shared/contract/new-machine.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { uniqueName } from '#shared/kube/names.ts';
import type { KubeList } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { needsOf } from '#shared/images/about/os.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { aboutOf } from '../images/about/image-about.ts';
import { claims, dataVolumes, pathOf, virtualMachines } from '../clusters/kinds.ts';
import { nodesOf, type NodeFacts } from '../clusters/nodes.ts';
import { readImage } from '../harvester/harvester-facts.ts';

const gib = 2 ** 30;
const defaultNamespace = 'default';
const smallestDiskBytes = 20 * gib;

export async function defaults(cluster: ClusterConnection, image: string | undefined): Promise<NewMachineDefaults> {
  const client = await cluster.client();
  const [machines, hosts, claim, own, volume] = await Promise.all([
    client.call<KubeList<VirtualMachine>>('GET', pathOf(virtualMachines, defaultNamespace)),
    nodesOf(cluster),
    image === undefined
      ? undefined
      : client.call<PersistentVolumeClaim>('GET', pathOf(claims, defaultNamespace, image)).catch(() => undefined),
    image === undefined ? undefined : readImage(client, defaultNamespace, image).catch(() => undefined),
    image === undefined
      ? undefined
      : client.call<DataVolume>('GET', pathOf(dataVolumes, defaultNamespace, image)).catch(() => undefined),
  ]);
  const about = aboutOf((own ?? volume)?.metadata.annotations);
  const needs = needsOf(about?.os?.id);
  const takenNames = machines.items.map((machine) => machine.metadata.name ?? '');
  const limits = limitsOf(hosts);
  const imageBytes = own?.status?.virtualSize ?? parseQuantity(claim?.status?.capacity?.storage) ?? 0;
  const usualBytes = Math.max(2 * gib, needs.memoryBytes ?? 0);
  const uefiAvailable = hosts.length === 0 || hosts.some((node) => node.uefi);
  const uefiOnly = needs.firmware === 'uefi' || (about?.boots?.includes('uefi') === true && !about.boots.includes('bios'));
  return {
    namespace: defaultNamespace,
    name: uniqueName(image ?? 'machine', takenNames),
    cores: Math.min(2, limits?.cores ?? 2),
    // A quarter of the host leaves room for others; two gibibytes are what today's installers ask for.
    memoryBytes: limits ? Math.max(0.5 * gib, Math.min(usualBytes, roundDown(limits.memoryBytes / 4, 0.25 * gib))) : usualBytes,
    diskBytes: Math.max(smallestDiskBytes, needs.diskBytes ?? 0, Math.ceil(imageBytes / gib) * gib),
    firmware: uefiOnly && uefiAvailable ? 'uefi' : 'bios',
    uefiAvailable,
    ...(about?.os ? { guess: { os: about.os.name, tpm: needs.tpm === true, noVirtio: needs.noVirtio === true } } : {}),
    ...(limits ? { limits } : {}),
    takenNames,
  };
}

/** What no machine can be larger than: the largest node. Undefined where no node is to be seen. */
function limitsOf(hosts: readonly NodeFacts[]): NewMachineDefaults['limits'] {
  if (hosts.length === 0) return undefined;
  const largest = (value: (node: NodeFacts) => number): number => Math.max(1, ...hosts.map(value));
  const free = hosts.map((node) => node.diskFreeBytes).filter((bytes) => bytes !== undefined);
  return {
    cores: largest((node) => node.cpus),
    memoryBytes: largest((node) => node.memoryBytes),
    ...(free.length === 0 ? {} : { diskFreeBytes: Math.max(...free) }),
  };
}

const roundDown = (value: number, step: number): number => Math.floor(value / step) * step;
