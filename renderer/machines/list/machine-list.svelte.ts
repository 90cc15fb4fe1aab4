/* eslint-disable svelte/prefer-svelte-reactivity -- sets and maps here are replaced, not changed, or nobody's to follow */
/** The list of machines as the page shows it: what the clusters say, looked at in the way that the address asks for. */
import type { Machine } from '#shared/contract/machines.ts';
import type { HayloftError } from '#shared/contract/errors.ts';
import { machineFeed } from '../../state/machine-feed.ts';
import { router } from '../../state/router.svelte.ts';
import { Lines, type Group } from './lines.ts';
import { formatListState, parseListState, type ListState } from './list-state.ts';
import { LiveList } from './live-list.ts';
import { usualColumns } from './usual-columns.svelte.ts';
import { nothingSelected, selectAll, selectOnly, selectTo, toggle, type Selection } from './selection.ts';

/** Rows stay where they are for so long after the pointer moved over them: nobody aims for longer. */
const aimMs = 2000;

interface View {
  lines: Lines;
  /** How many machines there are, shown or not. */
  total: number;
  /** Rows wait to be moved until nobody points at them. */
  waiting: boolean;
}

/** Where somebody was in each list, for when they come back to it. */
const places = new Map<string, { top: number; activeId: string | undefined }>();

export class MachineList {
  query = $state('');
  readonly state = $derived(parseListState(this.query, usualColumns.ids));
  view = $state.raw<View>({ lines: new Lines([], 'none', new Set()), total: 0, waiting: false });
  loaded = $state(false);
  error = $state.raw<HayloftError | undefined>(undefined);
  selection = $state.raw<Selection>(nothingSelected);
  /** The line that keys act on. */
  activeId = $state<string | undefined>(undefined);
  /** The machine that is shown beside the list. */
  panelKey = $state<string | undefined>(undefined);
  /** Values of the groups that are folded up. */
  closed = $state.raw<ReadonlySet<string>>(new Set());
  /** Counts how often the list was looked at in another way: it then begins at its top. */
  looks = $state(0);
  /** Those that are selected and shown, in order. */
  readonly chosen = $derived(
    this.selection.keys.size === 0 ? [] : this.view.lines.machines.filter(({ key }) => this.selection.keys.has(key)),
  );
  readonly #live: LiveList;
  readonly #stop: () => void;
  #aim: ReturnType<typeof setTimeout> | undefined;
  #menuOpen = false;

  /** Follows all machines until `stop`. */
  constructor(query: string) {
    this.query = query;
    this.#live = new LiveList(parseListState(query));
    this.activeId = places.get(query)?.activeId;
    this.#stop = machineFeed.follow({
      onSnapshot: (machines) => {
        this.#live.reset(machines);
        this.#show();
        this.loaded = true;
        this.error = undefined;
      },
      onChanges: (upserted, removed) => {
        this.#live.apply(upserted, removed);
        this.#show();
      },
      onError: (error) => {
        this.error = error;
        this.loaded = true;
      },
    });
  }

  stop(): void {
    clearTimeout(this.#aim);
    this.#stop();
  }

  get(key: string | undefined): Machine | undefined {
    // Reading the view is what makes the answer follow changes.
    return this.view.total === 0 || key === undefined ? undefined : this.#live.get(key);
  }

  /** Whether a machine that is still shown is not there any more. */
  isGone(key: string): boolean {
    return this.view.waiting && this.#live.get(key) === undefined;
  }

  /** All machines, in no order. */
  all(): Machine[] {
    return this.view.total === 0 ? [] : this.#live.all();
  }

  /** Takes over the address, however it came to be. */
  look(query: string): void {
    if (query === this.query) return;
    this.query = query;
    this.#live.arrange(this.state);
    this.looks += 1;
    this.#show();
  }

  /**
   * Looks at the list in another way.
   * @param how `push`: Back leads to how it was
   */
  change(change: Partial<ListState>, how: 'push' | 'replace' = 'push'): void {
    const query = formatListState({ ...this.state, ...change });
    if (change.columns) usualColumns.choose(change.columns);
    const href = machinesHref(query);
    if (query === this.query) return;
    // At once: the next key may come before the page has followed the address.
    this.look(query);
    if (how === 'push') router.go(href);
    else router.replace(href);
  }

  fold(group: Group): void {
    const closed = new Set(this.closed);
    if (!closed.delete(group.value)) closed.add(group.value);
    this.closed = closed;
    this.#show();
  }

  keysOf(group: Group): string[] {
    return this.view.lines.machines.slice(group.first, group.first + group.count).map(({ key }) => key);
  }

  /** Shows one machine beside the list. */
  open(key: string): void {
    this.activeId = key;
    this.selection = selectOnly(key);
    this.panelKey = key;
  }

  toggle(key: string): void {
    this.activeId = key;
    this.panelKey = undefined;
    this.selection = toggle(this.selection, key);
  }

  extendTo(key: string, keep: boolean): void {
    this.activeId = key;
    this.panelKey = undefined;
    this.selection = selectTo(this.selection, key, this.view.lines.machines.map((machine) => machine.key), keep);
  }

  selectAll(): void {
    this.panelKey = undefined;
    this.selection = selectAll(this.view.lines.machines.map(({ key }) => key));
  }

  /** All of a group, or none where all were selected. */
  toggleGroup(group: Group): void {
    const keys = this.keysOf(group);
    const all = keys.every((key) => this.selection.keys.has(key));
    const changed = new Set(this.selection.keys);
    for (const key of keys) {
      if (all) changed.delete(key);
      else changed.add(key);
    }
    this.panelKey = undefined;
    this.selection = { keys: changed, anchor: keys[0] };
  }

  clearSelection(): void {
    this.selection = nothingSelected;
    this.panelKey = undefined;
  }

  /** Somebody moves over the rows: what they aim at must not slip away. */
  aim(): void {
    this.#live.hold();
    clearTimeout(this.#aim);
    this.#aim = setTimeout(() => this.rest(), aimMs);
  }

  /** Nobody points at the rows any more. */
  rest(): void {
    clearTimeout(this.#aim);
    if (this.#menuOpen) return;
    this.#live.release();
    if (this.view.waiting) this.#show();
  }

  /** An open menu is about a row, which stays where it is. */
  menuIs(open: boolean): void {
    this.#menuOpen = open;
    if (open) this.#live.hold();
    else this.aim();
  }

  remember(top: number): void {
    places.set(this.query, { top, activeId: this.activeId });
  }

  /** Where the list was scrolled to when it was last looked at in this way. */
  rememberedTop(): number {
    return places.get(this.query)?.top ?? 0;
  }

  #show(): void {
    const lines = new Lines(this.#live.shown(), this.state.group, this.closed);
    this.view = { lines, total: this.#live.total, waiting: this.#live.waiting };
  }
}

/** The address of the list, looked at in this way. */
export function machinesHref(query: string): string {
  return query === '' ? '#/machines' : `#/machines?${query}`;
}
