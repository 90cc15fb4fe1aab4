/** What machines' disks and their snapshots hold: looked at, and changed while the machine is off. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { VirtualMachineSnapshot, VolumeSnapshot } from '#shared/kube/snapshot.ts';
import type { RigEngine } from '../../rig/engine.ts';
import type { Random } from '../random.ts';
import { chainOf, faultIn, readMark, writeMark } from './layers.ts';
import { filesFolder, layerOf, listOf, topFile, unmerged } from './snapshot-checks.ts';
import { claims, instances, paths, volumeSnapshots, type Known, type World } from './world.ts';

const lastRestore = 'restore.kubevirt.io/lastRestoreUID';
/** A restore's mark is its name and its uid. */
const uidLength = 37;

interface Disk {
  vm: VirtualMachine;
  path: string;
}

/** The disks of machines that have one, by the machine's name. */
async function disksOf(engine: RigEngine): Promise<Map<string, Disk>> {
  const folder = filesFolder(engine.dataDir);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const pvcs = await listOf<PersistentVolumeClaim>(engine, claims);
  const found = new Map<string, Disk>();
  for (const vm of await listOf<VirtualMachine>(engine, paths.machine)) {
    const disk = vm.spec.template.spec.volumes?.[0]?.dataVolume?.name;
    const file = topFile(names, pvcs.find(({ metadata }) => metadata.name === disk)?.metadata.uid ?? '-');
    if (disk !== undefined && file !== undefined) found.set(vm.metadata.name ?? '', { vm, path: join(folder, file) });
  }
  return found;
}

async function runningNames(engine: RigEngine): Promise<Set<string>> {
  const all = await listOf<{ metadata: { name?: string } }>(engine, instances);
  return new Set(all.map(({ metadata }) => metadata.name ?? ''));
}

/** Each disk, and each snapshot, holds what it must; notes what is new. Called when nothing else is wrong. */
export async function checkMarks(engine: RigEngine, world: World): Promise<string[]> {
  const problems: string[] = [];
  const look = (item: Known, uid: string | undefined, path: string, exact: number | undefined): void => {
    const name = item.kind === 'machine' ? item.name : (item.source ?? '');
    const allowed = exact === undefined ? (world.possible.get(name) ?? new Set([0])) : new Set([exact]);
    const mark = readMark(path);
    if (!allowed.has(mark)) problems.push(`the ${item.kind} ${item.name} holds ${mark}, and must hold ${[...allowed].join(' or ')} (${path})`);
    Object.assign(item, { holds: mark, heldBy: uid });
  };
  const disks = await disksOf(engine);
  const held = await listOf<VolumeSnapshot>(engine, volumeSnapshots);
  const snapshots = await listOf<VirtualMachineSnapshot>(engine, paths.snapshot);
  for (const item of world.known) {
    if (item.kind === 'machine' || item.kind === 'copy') {
      const disk = disks.get(item.name);
      if (!disk) continue;
      const { uid, annotations } = disk.vm.metadata;
      const restored = annotations?.[lastRestore];
      const isSame = uid === item.heldBy && restored === item.restored;
      look(item, uid, disk.path, isSame ? item.holds : world.restores.get(restored?.slice(0, -uidLength) ?? ''));
      item.restored = restored;
    } else if (item.kind === 'snapshot') {
      const snapshot = snapshots.find(({ metadata }) => metadata.name === item.name);
      const content = snapshot?.status?.virtualMachineSnapshotContentName;
      const layer = held.find(({ metadata }) => metadata.ownerReferences?.[0]?.name === content);
      if (snapshot?.status?.phase !== 'Succeeded' || !layer) continue;
      const { uid } = snapshot.metadata;
      look(item, uid, join(filesFolder(engine.dataDir), layerOf(layer)), uid === item.heldBy ? item.holds : undefined);
    }
  }
  return problems;
}

/** Every file is in order for qemu-img. Only what no guest has open can be looked at. */
export async function checkChains(engine: RigEngine): Promise<string[]> {
  const running = await runningNames(engine);
  const disks = [...(await disksOf(engine))].filter(([name]) => !running.has(name));
  return [...new Set(disks.flatMap(([, { path }]) => chainOf(path)))].flatMap((path) => faultIn(path) ?? []);
}

/** Writes new marks to disks of machines that are off, and notes what may come of what there is now. */
export async function writeMarks(engine: RigEngine, world: World, random: Random): Promise<void> {
  const running = await runningNames(engine);
  // Where something is to be merged yet, the engine may be at it.
  const isQuiet = (await unmerged(engine)).length === 0;
  for (const [name, { vm, path }] of await disksOf(engine)) {
    const item = world.named('machine', name) ?? world.named('copy', name);
    const isOff = vm.spec.runStrategy === 'Halted' && !running.has(name);
    const mark = random.below(256, 1);
    if (item && isQuiet && isOff && random.chance(0.6) && writeMark(path, mark)) item.holds = mark;
  }
  for (const { name } of world.known.filter(({ kind }) => kind === 'machine')) {
    const all = world.known.filter((item) => (item.kind === 'machine' && item.name === name) || (item.kind === 'snapshot' && item.source === name));
    world.possible.set(name, new Set([0, ...all.flatMap(({ holds }) => holds ?? [])]));
  }
}
