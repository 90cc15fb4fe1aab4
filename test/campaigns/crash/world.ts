/** What the engine has acknowledged, and what it may have done when it was killed: the measure of what must be there. */
import type { Random } from '../random.ts';

/** A copy is a machine that a clone makes. */
export type Kind = 'machine' | 'disk' | 'note' | 'snapshot' | 'copy';

export interface Known {
  kind: Kind;
  name: string;
  /** `unsure`: asked for, and not answered. `going`: its deletion was acknowledged. */
  exists: 'yes' | 'no' | 'going' | 'unsure';
  uid: string | undefined;
  /** What its annotation may say: one value, or the one before and the one that was asked for. */
  marks: Set<string>;
  /** A machine's run strategies that are possible now. Empty: it does not matter. */
  strategies: Set<string>;
  /** What a disk holds, once its upload was acknowledged. */
  content: Buffer | undefined;
  /** What a machine's disk, or a snapshot of it, holds: see layers.ts. Undefined: no disk, or not known yet. */
  holds: number | undefined;
  /** The last restore that a machine says it went through. */
  restored: string | undefined;
  /** Which of the name it was that holds this. */
  heldBy: string | undefined;
  /** A restore was asked for, which may turn the machine off, or make it anew where it is gone. */
  mayHalt: boolean;
  /** The name of the machine that a snapshot or a copy is of. */
  source: string | undefined;
  /** The clone that makes a copy. */
  clone: string | undefined;
  /** An operation is under way: nobody else touches it. */
  busy: boolean;
}

const names: Record<Kind, readonly string[]> = {
  machine: ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'],
  disk: ['d0', 'd1', 'd2', 'd3'],
  note: ['n0', 'n1'],
  snapshot: ['s0', 's1', 's2', 's3', 's4'],
  copy: ['k0', 'k1'],
};

export const paths: Record<Kind, string> = {
  machine: '/apis/kubevirt.io/v1/namespaces/default/virtualmachines',
  disk: '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes',
  note: '/api/v1/namespaces/default/configmaps',
  snapshot: '/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinesnapshots',
  copy: '/apis/kubevirt.io/v1/namespaces/default/virtualmachines',
};
export const contents = '/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinesnapshotcontents';
export const restores = '/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinerestores';
export const clones = '/apis/clone.kubevirt.io/v1beta1/namespaces/default/virtualmachineclones';
export const volumeSnapshots = '/apis/snapshot.storage.k8s.io/v1/namespaces/default/volumesnapshots';
export const instances = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances';
export const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
export const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default';
export const MARK = 'campaign/mark';

export interface WorldOptions {
  /** See {@link World.disksMayFail}. */
  disksMayFail?: boolean;
  /** Snapshots are taken, restored and cloned. */
  snapshots?: boolean;
}

const often: readonly Kind[] = ['machine', 'machine', 'machine', 'disk', 'note'];
const withSnapshots: readonly Kind[] = [...often, 'machine', 'snapshot', 'snapshot', 'copy'];

export class World {
  readonly known: Known[];
  readonly snapshots: boolean;
  /** What restores were asked to bring back, by their names. */
  readonly restores = new Map<string, number>();
  /** All that a machine of this name, or a snapshot of it, may come to hold until everything is settled again. */
  readonly possible = new Map<string, ReadonlySet<number>>();
  /** The disk was full at times: disks that could not be made are said to have failed, and stay so. */
  readonly disksMayFail: boolean;
  #marks = 0;

  constructor({ disksMayFail = false, snapshots = false }: WorldOptions = {}) {
    this.disksMayFail = disksMayFail;
    this.snapshots = snapshots;
    this.known = (Object.keys(names) as Kind[]).flatMap((kind) => names[kind].map((name) => blank(kind, name)));
  }

  /** Something that nobody is at work on; undefined when everything is. Machines come up most. */
  pick(random: Random): Known | undefined {
    const kind = random.pick(this.snapshots ? withSnapshots : often);
    const free = this.known.filter((item) => item.kind === kind && !item.busy);
    return free.length === 0 ? undefined : random.pick(free);
  }

  named(kind: Kind, name: string | undefined): Known | undefined {
    return this.known.find((item) => item.kind === kind && item.name === name);
  }

  nextMark(): string {
    this.#marks += 1;
    return `mark-${this.#marks}`;
  }
}

function blank(kind: Kind, name: string): Known {
  return {
    kind,
    name,
    exists: 'no',
    uid: undefined,
    marks: new Set(),
    strategies: new Set(),
    content: undefined,
    holds: undefined,
    restored: undefined,
    heldBy: undefined,
    mayHalt: false,
    source: undefined,
    clone: undefined,
    busy: false,
  };
}

/** Forgets everything but what it is called: it is not there, or about to be another one. */
export function reset(item: Known, exists: Known['exists']): void {
  Object.assign(item, blank(item.kind, item.name), { exists, busy: item.busy, mayHalt: item.mayHalt });
}
