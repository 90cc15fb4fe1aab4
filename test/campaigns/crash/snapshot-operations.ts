/** Operations on machines' snapshots: taken of machines that run or are off, restored, cloned. */
import type { Random } from '../random.ts';
import { tolerate, type Engine } from './operations.ts';
import { clones, MARK, paths, reset, restores, type Known, type World } from './world.ts';

const machineRef = (name: string): object => ({ apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name });
/** Snapshots and machines that are there for sure, and nobody is at work on. */
const some = (world: World, kind: Known['kind'], test: (item: Known) => boolean = () => true): Known[] =>
  world.known.filter((item) => item.kind === kind && item.exists === 'yes' && !item.busy && test(item));

export async function takeSnapshot(engine: Engine, world: World, random: Random, item: Known): Promise<void> {
  const going = item.exists === 'going';
  const machines = some(world, 'machine');
  if (machines.length === 0) return;
  const source = random.pick(machines).name;
  const value = world.nextMark();
  reset(item, 'unsure');
  Object.assign(item, { source, marks: new Set([value]) });
  const answer = await engine.api('POST', paths.snapshot, {
    apiVersion: 'snapshot.kubevirt.io/v1beta1',
    kind: 'VirtualMachineSnapshot',
    metadata: { name: item.name, annotations: { [MARK]: value } },
    spec: { source: machineRef(source), failureDeadline: '10m' },
  });
  if (answer.status === 201) Object.assign(item, { exists: 'yes', uid: answer.json<{ metadata: { uid: string } }>().metadata.uid });
  else if (answer.status === 409 && going) reset(item, 'going');
  else tolerate(answer, [409], `snapshot ${item.name}`);
}

/** Brings a machine back to one of its snapshots, where there is one. */
export async function restore(engine: Engine, world: World, random: Random, machine: Known): Promise<void> {
  const snapshots = some(world, 'snapshot', ({ source, holds }) => source === machine.name && holds !== undefined);
  if (snapshots.length === 0) return;
  const snapshot = random.pick(snapshots);
  const name = `r-${world.nextMark()}`;
  world.restores.set(name, snapshot.holds ?? 0);
  const targetReadinessPolicy = random.pick(['FailImmediate', 'StopTarget', 'StopTarget']);
  const volumeRestorePolicy = random.pick([undefined, 'InPlace']);
  machine.mayHalt = true;
  const answer = await engine.api('POST', restores, {
    apiVersion: 'snapshot.kubevirt.io/v1beta1',
    kind: 'VirtualMachineRestore',
    metadata: { name },
    spec: { target: machineRef(machine.name), virtualMachineSnapshotName: snapshot.name, targetReadinessPolicy, ...(volumeRestorePolicy ? { volumeRestorePolicy } : {}) },
  });
  // Refused in words where another restore of the machine is under way.
  tolerate(answer, [409, 422], `restore ${machine.name}`);
}

/** Makes a machine of a machine, or of a snapshot. */
export async function clone(engine: Engine, world: World, random: Random, item: Known): Promise<void> {
  const snapshots = some(world, 'snapshot', ({ holds }) => holds !== undefined);
  const sources = random.chance(0.3) && snapshots.length > 0 ? snapshots : some(world, 'machine');
  if (sources.length === 0) return;
  const source = random.pick(sources);
  const name = `c-${world.nextMark()}`;
  reset(item, 'unsure');
  Object.assign(item, { source: source.kind === 'machine' ? source.name : source.source, clone: name });
  const answer = await engine.api('POST', clones, {
    apiVersion: 'clone.kubevirt.io/v1beta1',
    kind: 'VirtualMachineClone',
    metadata: { name },
    spec: {
      source: source.kind === 'machine' ? machineRef(source.name) : { apiGroup: 'snapshot.kubevirt.io', kind: 'VirtualMachineSnapshot', name: source.name },
      target: machineRef(item.name),
    },
  });
  tolerate(answer, [409, 422], `clone ${item.name}`);
}
