/** The list as lines of one height: machines, and the headings of their groups. Nothing is made for lines out of sight. */
import type { Machine } from '#shared/contract/machines.ts';
import type { Grouping } from './list-state.ts';
import { groupOf } from './live-list.ts';

export interface Group {
  /** Node or namespace; empty: on no node. */
  value: string;
  count: number;
  open: boolean;
  /** Line of its heading. */
  line: number;
  /** Of its first machine, among those shown. */
  first: number;
}

export type Line = { machine: Machine; group?: undefined } | { group: Group; machine?: undefined };

export class Lines {
  readonly machines: readonly Machine[];
  readonly groups: readonly Group[];
  readonly length: number;

  /** @param machines in order, those of one group together */
  constructor(machines: readonly Machine[], grouping: Grouping, closed: ReadonlySet<string>) {
    this.machines = machines;
    this.groups = grouping === 'none' ? [] : groupsOf(machines, grouping, closed);
    const last = this.groups.at(-1);
    this.length = last ? last.line + 1 + (last.open ? last.count : 0) : machines.length;
  }

  at(line: number): Line | undefined {
    if (this.groups.length === 0) {
      const machine = this.machines[line];
      return machine && { machine };
    }
    const group = this.groups[this.#groupBefore((candidate) => candidate.line > line)];
    if (!group || line >= this.length) return undefined;
    if (group.line === line) return { group };
    const machine = this.machines[group.first + line - group.line - 1];
    return machine && { machine };
  }

  /** The line of a machine's key or, for a heading, of `group:` and its value; -1 when it is not to be seen. */
  indexOf(id: string | undefined): number {
    if (id === undefined) return -1;
    if (id.startsWith('group:')) return this.groups.find(({ value }) => `group:${value}` === id)?.line ?? -1;
    const at = this.machines.findIndex(({ key }) => key === id);
    if (at === -1 || this.groups.length === 0) return at;
    const group = this.groups[this.#groupBefore((candidate) => candidate.first > at)];
    return group?.open === true ? group.line + 1 + at - group.first : -1;
  }

  /** The last group for which `after` does not hold. */
  #groupBefore(after: (group: Group) => boolean): number {
    let low = 0;
    let high = this.groups.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const group = this.groups[middle];
      if (group && after(group)) high = middle;
      else low = middle + 1;
    }
    return low - 1;
  }
}

/** Names a line over changes of its place. */
export function lineId(line: Line): string {
  return line.machine ? line.machine.key : `group:${line.group.value}`;
}

function groupsOf(machines: readonly Machine[], grouping: Grouping, closed: ReadonlySet<string>): Group[] {
  const groups: Group[] = [];
  let line = 0;
  machines.forEach((machine, first) => {
    const value = groupOf(machine, grouping);
    const current = groups.at(-1);
    if (current?.value === value) {
      current.count += 1;
      if (current.open) line += 1;
      return;
    }
    const open = !closed.has(value);
    groups.push({ value, count: 1, open, line, first });
    line += open ? 2 : 1;
  });
  return groups;
}
