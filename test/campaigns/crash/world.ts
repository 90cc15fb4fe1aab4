/** What the engine has acknowledged, and what it may have done when it was killed: the measure of what must be there. */
import type { Random } from '../random.ts';

export type Kind = 'machine' | 'disk' | 'note';

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
  /** An operation is under way: nobody else touches it. */
  busy: boolean;
}

const names: Record<Kind, readonly string[]> = {
  machine: ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'],
  disk: ['d0', 'd1', 'd2', 'd3'],
  note: ['n0', 'n1'],
};

export const paths: Record<Kind, string> = {
  machine: '/apis/kubevirt.io/v1/namespaces/default/virtualmachines',
  disk: '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes',
  note: '/api/v1/namespaces/default/configmaps',
};
export const instances = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances';
export const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
export const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default';
export const MARK = 'campaign/mark';

export class World {
  readonly known: Known[];
  /** The disk was full at times: disks that could not be made are said to have failed, and stay so. */
  readonly disksMayFail: boolean;
  #marks = 0;

  constructor(disksMayFail = false) {
    this.disksMayFail = disksMayFail;
    this.known = (Object.keys(names) as Kind[]).flatMap((kind) => names[kind].map((name) => blank(kind, name)));
  }

  /** Something that nobody is at work on; undefined when everything is. Machines come up most. */
  pick(random: Random): Known | undefined {
    const kind = random.pick<Kind>(['machine', 'machine', 'machine', 'disk', 'note']);
    const free = this.known.filter((item) => item.kind === kind && !item.busy);
    return free.length === 0 ? undefined : random.pick(free);
  }

  nextMark(): string {
    this.#marks += 1;
    return `mark-${this.#marks}`;
  }
}

function blank(kind: Kind, name: string): Known {
  return { kind, name, exists: 'no', uid: undefined, marks: new Set(), strategies: new Set(), content: undefined, busy: false };
}

/** Forgets everything but what it is called: it is not there, or about to be another one. */
export function reset(item: Known, exists: Known['exists']): void {
  Object.assign(item, blank(item.kind, item.name), { exists, busy: item.busy });
}
