/** Whether what was acknowledged is there, nothing is doubled or left over, and the API tells what is. */
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { RigEngine } from '../../rig/engine.ts';
import { processes } from '../../rig/processes.ts';
import { checkSnapshots, neededFiles, seeSnapshots, topFile, type SnapshotsSeen } from './snapshot-checks.ts';
import { claims, instances, MARK, paths, reset, type Kind, type Known, type World } from './world.ts';

export interface Seen extends SnapshotsSeen {
  machines: VirtualMachine[];
  instances: VirtualMachineInstance[];
  disks: DataVolume[];
  claims: PersistentVolumeClaim[];
  notes: KubeObject[];
  /** By the uid of their instance. */
  guests: Map<string, number[]>;
  dataDir: string;
  disksMayFail: boolean;
}

/** Everything that is wrong now; much of it is only on its way, so this is asked until nothing is left. */
export async function findProblems(engine: RigEngine, world: World): Promise<string[]> {
  const list = async <T>(path: string): Promise<T[]> => (await engine.api('GET', path)).json<{ items?: T[] }>().items ?? [];
  const seen: Seen = {
    machines: await list(paths.machine),
    instances: await list(instances),
    disks: await list(paths.disk),
    claims: await list(claims),
    notes: await list(paths.note),
    ...(await seeSnapshots(list)),
    guests: guestsOf(engine.dataDir),
    dataDir: engine.dataDir,
    disksMayFail: world.disksMayFail,
  };
  return [
    ...world.known.flatMap((item) => checkKnown(item, seen)),
    ...checkGuests(seen),
    ...seen.machines.flatMap((vm) => checkMachine(vm, seen)),
    ...seen.disks.flatMap((dv) => checkDisk(dv, seen)),
    ...checkFiles(seen),
    ...checkSnapshots(world, seen),
    ...(world.snapshots ? checkClaims(seen) : []),
    ...checkHelpers(engine),
  ];
}

const listOf = (kind: Kind, seen: Seen): readonly KubeObject[] =>
  ({ machine: seen.machines, copy: seen.machines, disk: seen.disks, note: seen.notes, snapshot: seen.snapshots })[kind];

function checkKnown(item: Known, seen: Seen): string[] {
  const found = listOf(item.kind, seen).find(({ metadata }) => metadata.name === item.name);
  const what = `${item.kind} ${item.name}`;
  if (item.exists === 'yes') {
    if (!found) return [`${what} was made and is not there`];
    if (found.metadata.uid !== item.uid) return [`${what} is another one than was made`];
    const said = found.metadata.annotations?.[MARK] ?? '';
    const problems = item.marks.has(said) ? [] : [`${what} says ${said}, and was told ${[...item.marks].join(' or ')}`];
    const strategy = item.kind === 'machine' || item.kind === 'copy' ? ((found as VirtualMachine).spec.runStrategy ?? '') : '';
    if (item.strategies.size > 0 && !item.strategies.has(strategy) && !(item.mayHalt && strategy === 'Halted')) {
      problems.push(`${what} is ${strategy}, and was told ${[...item.strategies].join(' or ')}`);
    }
    return problems;
  }
  // A restore that was asked for before makes the machine anew.
  if (item.mayHalt) return [];
  if (item.exists === 'going' && found) return [`${what} was deleted and is there`];
  if (item.exists === 'no' && found) return [`${what} is there and was never made`];
  return [];
}

/** What is unsure is what it turned out to be. Called when nothing is wrong. */
export async function learn(engine: RigEngine, world: World): Promise<void> {
  for (const item of world.known) {
    const answer = await engine.api('GET', `${paths[item.kind]}/${item.name}`);
    item.mayHalt = false;
    if (answer.status === 404) {
      reset(item, 'no');
      continue;
    }
    const found = answer.json<KubeObject & { spec?: { runStrategy?: string } }>();
    item.exists = 'yes';
    item.uid = found.metadata.uid;
    item.marks = new Set([found.metadata.annotations?.[MARK] ?? '']);
    item.strategies = new Set(found.spec?.runStrategy === undefined ? [] : [found.spec.runStrategy]);
      }
}

function guestsOf(dataDir: string): Map<string, number[]> {
  const guests = new Map<string, number[]>();
  for (const { pid, argv } of processes()) {
    if (!(argv[0] ?? '').includes('qemu-system')) continue;
    const uid = argv.map((word) => uidIn(word, dataDir)).find((found) => found !== undefined);
    if (uid !== undefined) guests.set(uid, [...(guests.get(uid) ?? []), pid]);
  }
  return guests;
}

function uidIn(word: string, dataDir: string): string | undefined {
  const at = word.indexOf(`${dataDir}/run/`);
  return at < 0 ? undefined : word.slice(at + dataDir.length + 5).split('/')[0];
}

function checkGuests({ instances: vmis, guests, dataDir }: Seen): string[] {
  const problems: string[] = [];
  for (const [uid, pids] of guests) {
    if (pids.length > 1) problems.push(`the guest ${uid} runs ${pids.length} times`);
    if (!vmis.some(({ metadata }) => metadata.uid === uid)) problems.push(`the process ${pids.join(', ')} belongs to no instance`);
  }
  for (const { metadata, status } of vmis) {
    const runs = guests.has(metadata.uid ?? '');
    const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    if (metadata.deletionTimestamp !== undefined) problems.push(`the instance ${metadata.name ?? ''} is still going`);
    else if (status?.phase === 'Running' && !runs) problems.push(`the instance ${metadata.name ?? ''} is said to run and does not`);
    else if (status?.phase === 'Running' && ready !== 'True') problems.push(`the instance ${metadata.name ?? ''} runs and is not ready`);
    else if (status?.phase !== 'Running' && runs) problems.push(`the instance ${metadata.name ?? ''} runs and is said to be ${status?.phase ?? 'new'}`);
  }
  const folder = join(dataDir, 'run');
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!guests.has(name)) problems.push(`the folder run/${name} is left over`);
  }
  return problems;
}

const settled = new Set(['Running', 'Paused', 'Stopped', 'CrashLoopBackOff']);

function checkMachine(vm: VirtualMachine, { instances: vmis, disksMayFail }: Seen): string[] {
  const name = vm.metadata.name ?? '';
  const shown = vm.status?.printableStatus ?? 'nothing';
  const vmi = vmis.find(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === vm.metadata.uid));
  const runs = vmi?.status?.phase === 'Running';
  const problems: string[] = [];
  if (shown === 'DataVolumeError' && disksMayFail && !vmi) return [];
  if (!settled.has(shown)) problems.push(`the machine ${name} stays ${shown}`);
  if (runs !== (shown === 'Running' || shown === 'Paused')) problems.push(`the machine ${name} shows ${shown}, its instance is ${vmi?.status?.phase ?? 'not there'}`);
  if (vm.spec.runStrategy === 'Always' && !runs && shown !== 'CrashLoopBackOff') problems.push(`the machine ${name} does not run`);
  const locked = vm.status?.snapshotInProgress ?? vm.status?.restoreInProgress;
  if (locked !== undefined) problems.push(`the machine ${name} stays locked by ${locked}`);
  if (vm.metadata.deletionTimestamp !== undefined) problems.push(`the machine ${name} is still going`);
  if (vm.spec.runStrategy === 'Halted' && vmi) problems.push(`the machine ${name} is halted and has an instance`);
  return problems;
}

function checkDisk(dv: DataVolume, seen: Seen): string[] {
  const name = dv.metadata.name ?? '';
  const phase = dv.status?.phase ?? 'nothing';
  const claim = seen.claims.find(({ metadata }) => metadata.name === name);
  if (phase === 'UploadReady') return claim ? [] : [`the disk ${name} waits for an upload and has no claim`];
  if (phase === 'Failed' && seen.disksMayFail) return [];
  if (phase !== 'Succeeded') {
    const why = dv.status?.conditions?.map(({ type, status, reason, message }) => `${type}=${status} ${reason ?? ''} ${message ?? ''}`.trim()).join('; ');
    const owners = claim?.metadata.ownerReferences?.map(({ uid }) => uid).join(', ') ?? 'none';
    return [`the disk ${name} (${dv.metadata.uid ?? ''}) stays ${phase}: ${why ?? ''}; its claim ${claim ? `belongs to ${owners}` : 'is not there'}`];
  }
  return claim ? [] : [`the disk ${name} has no claim`];
}

/** Files of claims and snapshots that are there, whole, with all below them, and nothing else. */
function checkFiles({ dataDir, claims: pvcs, disks, volumeSnapshots: held }: Seen): string[] {
  const folder = join(dataDir, 'disks', 'default');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const needed = neededFiles(folder, names, pvcs, held);
  const leftOver = names.filter((file) => !needed.files.has(file)).map((file) => `the file disks/default/${file} belongs to nobody`);
  const missing = pvcs
    .filter(({ metadata }) => disks.some((dv) => dv.metadata.name === metadata.name && dv.status?.phase === 'Succeeded'))
    .filter(({ metadata }) => topFile(names, metadata.uid ?? '') === undefined)
    .map(({ metadata }) => `the claim ${metadata.name ?? ''} has no file`);
  return [...leftOver, ...missing, ...needed.problems];
}

/** Each belongs to a disk that is there, or to a machine. */
function checkClaims({ claims: pvcs, disks, machines }: Seen): string[] {
  const owners = new Set([...disks, ...machines].map(({ metadata }) => metadata.uid));
  return pvcs
    .filter(({ metadata }) => !metadata.ownerReferences?.some(({ uid }) => owners.has(uid)))
    .map(({ metadata }) => `the claim ${metadata.name ?? ''} belongs to nobody`);
}

/** What was uploaded and acknowledged lies on the disk, byte by byte. */
export async function checkContents(engine: RigEngine, world: World): Promise<string[]> {
  const pvcs = (await engine.api('GET', claims)).json<{ items: PersistentVolumeClaim[] }>().items;
  return world.known.flatMap(({ name, content, exists }) => {
    if (content === undefined || exists !== 'yes') return [];
    const uid = pvcs.find(({ metadata }) => metadata.name === name)?.metadata.uid ?? '';
    const path = join(engine.dataDir, 'disks', 'default', `${uid}.raw`);
    const same = existsSync(path) && readFileSync(path).subarray(0, content.length).equals(content);
    return same ? [] : [`the disk ${name} does not hold what was uploaded`];
  });
}

function checkHelpers({ dataDir, program }: RigEngine): string[] {
  return processes()
    .filter(({ pid, argv }) => pid !== program.pid && argv.some((word) => word.includes(dataDir)))
    .filter(({ argv }) => !(argv[0] ?? '').includes('qemu-system'))
    .map(({ pid, argv }) => `the process ${pid} (${argv.slice(0, 2).join(' ')}) is left over`);
}
