/** Whether the disks of a new machine find room, and on which nodes. Pure. */
import type { PlacementRequest } from '#shared/contract/placement.ts';
import { formatBytes, plural } from '#shared/format/units.ts';
import type { CsiStorageCapacity } from '#shared/kube/capacity.ts';
import type { StorageClass } from '#shared/kube/core.ts';
import { DISK_FREE_ANNOTATION } from '#shared/kube/labels.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { copyRoom } from './longhorn-room.ts';
import type { LonghornRoom, Room } from './room.ts';

export interface StorageFit {
  /** The disks fit nowhere: the sentence that says so. */
  trouble?: string;
  /** It can be made, and something is not as it should be. */
  warning?: string;
  notes: string[];
  /** Why a node is out of question for the disks, by the node's name. */
  nodes: Map<string, string>;
}

/** The engine tells it on a StorageClass and on its Node: bytes left where the disks' files lie. */
const longhornDriver = 'driver.longhorn.io';
const yes = 'true';

export function storageFit(request: PlacementRequest, room: Room, labels: ReadonlyMap<string, Record<string, string>>): StorageFit {
  const fit: StorageFit = { notes: [], nodes: new Map() };
  for (const [name, sizes] of byClass(request, room)) {
    const found = room.classes?.find(({ metadata }) => metadata.name === name);
    if (!found) {
      noteUnknown(fit, name, room);
      continue;
    }
    if (room.flavour === 'engine') ofEngine(fit, found, sizes, room);
    else if (found.provisioner === longhornDriver && room.longhorn) ofLonghorn(fit, found, sizes, room.longhorn);
    else ofCsi(fit, found, sizes, room.capacities ?? [], labels);
  }
  return fit;
}

/** The class that disks get where none is named: KubeVirt's default, then Kubernetes'. */
export function defaultClass(classes: readonly StorageClass[]): StorageClass | undefined {
  const marked = (key: string): StorageClass | undefined => classes.find(({ metadata }) => metadata.annotations?.[key] === yes);
  return marked('storageclass.kubevirt.io/is-default-virt-class') ?? marked('storageclass.kubernetes.io/is-default-class');
}

/** Sizes by the name of the class; undefined for the class that is not known. */
function byClass({ disks }: PlacementRequest, { classes }: Room): Map<string | undefined, number[]> {
  const usual = defaultClass(classes ?? [])?.metadata.name;
  const sizes = new Map<string | undefined, number[]>();
  for (const { sizeBytes, storageClass = usual } of disks) sizes.set(storageClass, [...(sizes.get(storageClass) ?? []), sizeBytes]);
  return sizes;
}

function noteUnknown(fit: StorageFit, name: string | undefined, { classes, place }: Room): void {
  if (!classes) fit.notes.push(`Whether its disk finds room is not known: the storage classes of ${place} may not be read.`);
  else if (name !== undefined) fit.trouble ??= `There is no storage class ${name}.`;
  else fit.trouble ??= 'There is no default storage class, and so nothing to make its disk from.';
}

/** Files there grow as they fill, so too little room is no reason to refuse. */
function ofEngine(fit: StorageFit, { metadata }: StorageClass, sizes: readonly number[], room: Room): void {
  const free = parseQuantity(metadata.annotations?.[DISK_FREE_ANNOTATION] ?? room.nodes[0]?.metadata.annotations?.[DISK_FREE_ANNOTATION]);
  if (free === undefined) fit.notes.push(`How much room ${metadata.name ?? 'its storage class'} has is not known now.`);
  else if (sum(sizes) > free) fit.warning ??= `only ${formatBytes(free)} are free for its disk, which grows as it fills`;
}

function ofLonghorn(fit: StorageFit, { metadata, parameters = {} }: StorageClass, sizes: readonly number[], longhorn: LonghornRoom): void {
  const copies = Number(parameters['numberOfReplicas'] ?? 3);
  const tags = { disk: listed(parameters['diskSelector']), node: listed(parameters['nodeSelector']) };
  const room = copyRoom(longhorn, tags);
  const taking = [...room].filter(([, free]) => fitsOn(free, sizes)).map(([node]) => node);
  const most = Math.max(0, ...[...room.values()].flat());
  if (taking.length === 0) {
    fit.trouble ??= `Longhorn has no node with ${formatBytes(Math.max(...sizes))} left for its disk: the most is ${formatBytes(most)}.`;
    return;
  }
  if (taking.length < copies) {
    fit.warning ??= `only ${taking.length} of the ${plural(copies, 'copy', 'copies')} of its disk that ${metadata.name ?? 'its class'} keeps would be made`;
  }
  if (parameters['dataLocality'] !== 'strict-local') return;
  for (const [node, free] of room) {
    if (!taking.includes(node)) fit.nodes.set(node, `Its disk has to be on the same node, and ${node} has ${formatBytes(Math.max(0, ...free))} left for it.`);
  }
}

function ofCsi(
  fit: StorageFit,
  found: StorageClass,
  sizes: readonly number[],
  capacities: readonly CsiStorageCapacity[],
  labels: ReadonlyMap<string, Record<string, string>>,
): void {
  const name = found.metadata.name ?? '';
  const own = capacities.filter(({ storageClassName }) => storageClassName === name);
  if (own.length === 0) {
    fit.notes.push(`How much room ${name} has is not known: its driver does not tell.`);
    return;
  }
  const largest = Math.max(...sizes);
  const room = new Map([...labels].map(([node, set]) => [node, Math.max(0, ...own.filter((item) => reaches(item, set)).map(roomOf))]));
  if (![...room.values()].some((free) => free >= largest)) {
    fit.trouble ??= `${name} has no ${formatBytes(largest)} for its disk: the most is ${formatBytes(Math.max(0, ...room.values()))}.`;
    return;
  }
  // Otherwise the disk is made before the node is chosen.
  if (found.volumeBindingMode !== 'WaitForFirstConsumer') return;
  for (const [node, free] of room) {
    if (free < largest) fit.nodes.set(node, `${name} has ${formatBytes(free)} on ${node}, and its disk needs ${formatBytes(largest)}.`);
  }
}

const roomOf = ({ maximumVolumeSize, capacity }: CsiStorageCapacity): number => parseQuantity(maximumVolumeSize ?? capacity) ?? 0;

/** A label selector, as everywhere in Kubernetes. */
function reaches({ nodeTopology }: CsiStorageCapacity, labels: Record<string, string>): boolean {
  if (!nodeTopology) return false;
  const { matchLabels = {}, matchExpressions = [] } = nodeTopology;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      return values.includes(value ?? '') === (operator === 'In');
    })
  );
}

/** Whether disks of these sizes find room on one of these each, the largest first. */
function fitsOn(free: readonly number[], sizes: readonly number[]): boolean {
  const left = [...free];
  return [...sizes].sort((a, b) => b - a).every((size) => {
    const index = left.indexOf(Math.max(...left));
    left[index] = (left[index] ?? 0) - size;
    return (left[index] ?? -1) >= 0;
  });
}

const listed = (text: string | undefined): string[] => (text ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '');
const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
