/** The machines that are shown, in order, kept so while they change: a change costs its own row, not the whole list. */
import type { Machine } from '#shared/contract/machines.ts';
import { columnOf, natural } from './columns.ts';
import { matchesFilters, searchText, searchWords, type Filter } from './filters.ts';
import type { Grouping, ListState, Sorting } from './list-state.ts';

export type Arrangement = Pick<ListState, 'search' | 'filters' | 'sorting' | 'group'>;

interface Entry {
  machine: Machine;
  /** Worked out once for each version of a machine: comparing and searching read nothing else. */
  group: string;
  value: string | number;
  name: string;
  text: string | undefined;
}

/** More changes than this at once, and ordering anew is cheaper. */
const manyChanges = 400;

export class LiveList {
  readonly #entries = new Map<string, Entry>();
  #shown: Entry[] = [];
  #words: string[] = [];
  #filters: readonly Filter[] = [];
  #sorting: Sorting;
  #group: Grouping;
  /** The order as somebody sees it who is about to click; gone machines stay in it. */
  #held: Entry[] | undefined;

  constructor({ search, filters, sorting, group }: Arrangement) {
    this.#words = searchWords(search);
    this.#filters = filters;
    this.#sorting = sorting;
    this.#group = group;
  }

  /** How many there are, shown or not. */
  get total(): number {
    return this.#entries.size;
  }

  get(key: string): Machine | undefined {
    return this.#entries.get(key)?.machine;
  }

  all(): Machine[] {
    return [...this.#entries.values()].map(({ machine }) => machine);
  }

  /** Those that match, in order. While the order is held: the same rows as when that began, as they are now. */
  shown(): Machine[] {
    if (!this.#held) return this.#shown.map(({ machine }) => machine);
    return this.#held.map(({ machine }) => this.#entries.get(machine.key)?.machine ?? machine);
  }

  /** Whether the order that is held is not the true one any more. */
  get waiting(): boolean {
    const held = this.#held;
    if (!held) return false;
    return held.length !== this.#shown.length || held.some(({ machine }, at) => this.#shown[at]?.machine.key !== machine.key);
  }

  /** Keeps rows where they are until `release`. */
  hold(): void {
    this.#held ??= [...this.#shown];
  }

  release(): void {
    this.#held = undefined;
  }

  /** Replaces everything. */
  reset(machines: readonly Machine[]): void {
    this.#entries.clear();
    for (const machine of machines) this.#entries.set(machine.key, this.#entry(machine));
    this.#arrange();
  }

  apply(upserted: readonly Machine[], removed: readonly string[]): void {
    const few = upserted.length + removed.length <= manyChanges;
    for (const key of removed) {
      const before = this.#entries.get(key);
      if (before && this.#entries.delete(key) && few) this.#takeOut(before);
    }
    for (const machine of upserted) {
      const before = this.#entries.get(machine.key);
      const entry = this.#entry(machine);
      this.#entries.set(machine.key, entry);
      if (few) this.#exchange(before, entry);
    }
    if (!few) this.#arrange();
  }

  /** Looks at the list in another way. What is held is let go: whoever asked expects the new order. */
  arrange({ search, filters, sorting, group }: Arrangement): void {
    const sameOrder = sorting.column === this.#sorting.column && group === this.#group;
    this.#words = searchWords(search);
    this.#filters = filters;
    this.#sorting = sorting;
    this.#group = group;
    if (!sameOrder) {
      for (const entry of this.#entries.values()) Object.assign(entry, this.#order(entry.machine));
    }
    const held = this.#held !== undefined;
    this.#held = undefined;
    this.#arrange();
    if (held) this.hold();
  }

  #arrange(): void {
    this.#shown = [...this.#entries.values()].filter((entry) => this.#matches(entry)).sort(this.#compare);
  }

  #entry(machine: Machine): Entry {
    return { machine, name: natural(machine.name), text: undefined, ...this.#order(machine) };
  }

  #order(machine: Machine): { group: string; value: string | number } {
    return { group: natural(groupOf(machine, this.#group)), value: columnOf(this.#sorting.column).value(machine) };
  }

  #matches(entry: Entry): boolean {
    if (this.#filters.length > 0 && !matchesFilters(entry.machine, this.#filters)) return false;
    if (this.#words.length === 0) return true;
    const text = (entry.text ??= searchText(entry.machine));
    return this.#words.every((word) => text.includes(word));
  }

  #exchange(before: Entry | undefined, entry: Entry): void {
    const matches = this.#matches(entry);
    if (before && matches && this.#compare(before, entry) === 0) {
      const at = this.#find(before);
      if (this.#shown[at]?.machine.key === entry.machine.key) {
        this.#shown[at] = entry;
        return;
      }
    }
    if (before) this.#takeOut(before);
    if (matches) this.#shown.splice(this.#find(entry), 0, entry);
  }

  #takeOut(entry: Entry): void {
    const at = this.#find(entry);
    if (this.#shown[at]?.machine.key === entry.machine.key) this.#shown.splice(at, 1);
  }

  /** Where the entry is, or would be. */
  #find(entry: Entry): number {
    let low = 0;
    let high = this.#shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#shown[middle];
      if (other && this.#compare(other, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Those alike in the column stay ordered by name, so that rows do not jump about; no two are equal. */
  readonly #compare = (a: Entry, b: Entry): number => {
    if (a.group !== b.group) return a.group < b.group ? -1 : 1;
    if (a.value !== b.value) return a.value < b.value === this.#sorting.descending ? 1 : -1;
    if (a.name !== b.name) return a.name < b.name ? -1 : 1;
    return a.machine.key < b.machine.key ? -1 : a.machine.key > b.machine.key ? 1 : 0;
  };
}

/** What a machine is grouped under; empty: on no node. */
export function groupOf(machine: Machine, group: Grouping): string {
  if (group === 'node') return machine.node ?? '';
  return group === 'namespace' ? machine.namespace : '';
}
