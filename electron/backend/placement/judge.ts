/** Whether a machine fits on a cluster, where, and why not elsewhere. Pure. */
import type { Placement, PlacementNode, PlacementRequest } from '#shared/contract/placement.ts';
import { formatBytes, plural } from '#shared/format/units.ts';
import { engineRefusal } from './engine-limits.ts';
import { roomOfNodes, type NodeRoom } from './node-room.ts';
import { domainOf, sizeOf, type PodSize } from './pod-size.ts';
import { overQuota } from './quota-fit.ts';
import type { Room } from './room.ts';
import { storageFit, type StorageFit } from './storage-fit.ts';

type Verdict = Pick<Placement, 'tone' | 'sentence'> & { refused?: true };

/** A node that was looked at, with the short reason why it does not do. */
interface Looked {
  room: NodeRoom;
  view: PlacementNode;
  lack?: 'obstacle' | 'memory' | 'cpu' | 'disk';
  /** How often its memory is promised with the machine on it. */
  times: number;
}

export function judge(request: PlacementRequest, room: Room): Placement {
  const size = sizeOf(domainOf(request, room.ratios), room.flavour, room.ratios);
  const rooms = roomOfNodes(room, request.nodeSelector);
  const storage = storageFit(request, room, new Map(rooms.map(({ name, labels }) => [name, labels])));
  const looked = rooms.map((node) => look(node, request, size, storage, room));
  const { tone, sentence, refused } = verdict(request, size, storage, looked, room);
  return {
    key: 'placement',
    tone,
    sentence,
    refused: refused === true,
    notes: [...notesOf(size, room), ...storage.notes],
    nodes: looked.map(({ view }) => view),
  };
}

function look(node: NodeRoom, { cores }: PlacementRequest, size: PodSize, storage: StorageFit, room: Room): Looked {
  const { name } = node;
  const engine = room.flavour === 'engine';
  const reasons: [NonNullable<Looked['lack']>, string | undefined][] = [
    ['obstacle', node.obstacle],
    ['memory', !engine && size.memoryBytes > node.memoryFreeBytes ? `It needs ${formatBytes(size.memoryBytes)} of memory, and ${name} has ${said(node.memoryFreeBytes)} left.` : undefined],
    ['cpu', !engine && size.cpu > node.cpuFree ? `It needs ${processors(size.cpu)} set aside, and ${name} has ${processors(Math.max(0, node.cpuFree))} left.` : undefined],
    ['disk', storage.nodes.get(name)],
  ];
  const found = reasons.filter((entry): entry is [NonNullable<Looked['lack']>, string] => entry[1] !== undefined);
  const [lack] = found[0] ?? [];
  const times = node.memoryAllocatableBytes === 0 ? 0 : (node.memoryPromisedBytes + size.guestBytes + size.overheadBytes) / node.memoryAllocatableBytes;
  const unused = node.memoryUnusedBytes;
  const notes = [
    unused !== undefined && size.guestBytes > unused ? `Programs on ${name} leave ${formatBytes(unused)} of memory unused at the moment.` : undefined,
    times > 1 ? `With it, the memory of ${name} is promised ${timesSaid(times)} over.` : undefined,
    cores > node.cpus ? `${name} has ${plural(node.cpus, 'processor')} for its ${cores}.` : undefined,
  ].filter((note) => note !== undefined);
  return {
    room: node,
    times,
    ...(lack === undefined ? {} : { lack }),
    view: {
      name,
      fits: found.length === 0,
      reasons: found.map(([, text]) => text),
      // Why it does not do is enough where it does not.
      notes: found.length === 0 ? notes : [],
      memoryFreeBytes: node.memoryFreeBytes,
      memoryTotalBytes: node.memoryTotalBytes,
      ...(unused === undefined ? {} : { memoryUnusedBytes: unused }),
      cpuFree: node.cpuFree,
    },
  };
}

function verdict(request: PlacementRequest, size: PodSize, storage: StorageFit, looked: readonly Looked[], room: Room): Verdict {
  const bad = (sentence: string): Verdict => ({ tone: 'bad', sentence });
  if (room.flavour === 'engine') {
    const refusal = engineRefusal(request, looked[0]?.room, room.place);
    if (refusal !== undefined) return { tone: 'bad', sentence: refusal, refused: true };
  }
  const quota = overQuota(request, size, room);
  if (quota !== undefined) return { tone: 'bad', sentence: `Over quota: ${quota}.`, refused: true };
  if (storage.trouble !== undefined) return bad(storage.trouble);
  if (looked.length === 0) return { tone: 'unknown', sentence: `Whether it fits is not known: the nodes of ${room.place} cannot be read.` };
  const fitting = looked.filter(({ view }) => view.fits);
  if (fitting.length === 0) return bad(nowhere(looked, size));
  const where = fitsWhere(fitting, looked, room);
  const but = storage.warning ?? memoryWarning(fitting, size, room);
  return but === undefined ? { tone: 'good', sentence: `${where}.` } : { tone: 'warning', sentence: `${where}, but ${but}.` };
}

/** The reason that holds wherever it holds at all, in figures; several reasons are told node by node. */
function nowhere(looked: readonly Looked[], size: PodSize): string {
  const [only, ...others] = looked;
  if (only && others.length === 0) return only.view.reasons[0] ?? '';
  const open = looked.filter(({ lack }) => lack !== 'obstacle');
  if (open.length === 0) return 'No node takes new machines now.';
  const lacks = (what: Looked['lack']): boolean => open.every(({ lack }) => lack === what);
  const most = (of: (node: NodeRoom) => number): NodeRoom | undefined => open.map(({ room }) => room).sort((a, b) => of(b) - of(a))[0];
  if (lacks('memory')) {
    const best = most(({ memoryFreeBytes }) => memoryFreeBytes);
    return `No node has ${formatBytes(size.memoryBytes)} free: the most is ${said(best?.memoryFreeBytes ?? 0)} on ${best?.name ?? ''}.`;
  }
  if (lacks('cpu')) {
    const best = most(({ cpuFree }) => cpuFree);
    return `No node has ${processors(size.cpu)} to set aside: the most is ${processors(Math.max(0, best?.cpuFree ?? 0))} on ${best?.name ?? ''}.`;
  }
  return 'No node has room for it, each for another reason.';
}

function fitsWhere(fitting: readonly Looked[], looked: readonly Looked[], { flavour, place }: Room): string {
  if (flavour === 'engine') return `Fits on ${place}`;
  const names = fitting.map(({ view }) => view.name);
  const [first = ''] = names;
  if (looked.length === 1) return `Fits on ${first}`;
  if (names.length === 1) return `Fits on ${first} only`;
  if (names.length === looked.length) return names.length === 2 ? 'Fits on both nodes' : `Fits on each of the ${names.length} nodes`;
  return names.length <= 3 ? `Fits on ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}` : `Fits on ${names.length} of ${looked.length} nodes`;
}

/** Said of the cluster only when no node is better off: the scheduler chooses. */
function memoryWarning(fitting: readonly Looked[], size: PodSize, { flavour }: Room): string | undefined {
  const least = Math.min(...fitting.map(({ times }) => times));
  const best = fitting.find(({ times }) => times === least);
  const unused = best?.room.memoryUnusedBytes;
  const memory = flavour === 'engine' ? 'its memory' : `the memory of ${best?.room.name ?? ''}`;
  if (least > 1) return `then ${memory} is promised ${timesSaid(least)} over`;
  if (fitting.some(({ room }) => room.memoryUnusedBytes === undefined || room.memoryUnusedBytes >= size.guestBytes)) return undefined;
  return `only ${formatBytes(unused ?? 0)} of ${memory} are unused at the moment`;
}

function notesOf(size: PodSize, { flavour, otherPods, ratios }: Room): string[] {
  if (flavour === 'engine') return [];
  return [
    `KubeVirt sets ${formatBytes(size.memoryBytes)} aside for it, ${formatBytes(size.overheadBytes)} of that for the programs around the guest.`,
    ...(ratios.harvester ? [`Harvester promises memory ${timesSaid(ratios.harvester.memory / 100)} over.`] : []),
    ...(otherPods ? [] : ['What other pods have asked for is not known, so less may be left than the figures say.']),
  ];
}

const timesSaid = (times: number): string => `${Number(Math.max(1.01, times).toFixed(times < 1.1 ? 2 : 1))} times`;
const said = (bytes: number): string => (bytes <= 0 ? 'none' : formatBytes(bytes));
const processors = (count: number): string => plural(Number(count.toFixed(2)), 'processor');
