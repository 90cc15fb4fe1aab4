/** What the command palette offers for what was typed: machines, what can be done to them, and pages; recent ones first. */
import type { Machine } from '#shared/contract/machines.ts';
import type { MachineAction } from '../../machine-actions/action.ts';
import { fuzzyScore } from './fuzzy.ts';

export interface Command {
  /** Stays the same over restarts, for the list of recent ones. */
  id: string;
  label: string;
  /** What it is: "Page", "Action", or of a machine its status. */
  kind: string;
  /** Why it cannot be used now. */
  reason?: string | undefined;
  run: () => void;
}

export interface Source {
  machines: readonly Machine[];
  actions: (machine: Machine) => readonly MachineAction[];
  open: (machine: Machine) => void;
  pages: readonly Command[];
  /** Ids, the latest first. */
  recent: readonly string[];
}

const most = 40;
/** Machines whose actions are looked at for one verb. */
const mostPerVerb = 12;
/** Of the best machine that was found, its actions follow it. */
const machinesWithActions = 1;
const recentBonus = 300;

interface Scored {
  command: Command;
  score: number;
}

/** @returns the best fitting ones, at most {@link most} */
export function findCommands(typed: string, source: Source): Command[] {
  const query = typed.trim();
  const found = query === '' ? usual(source) : search(query, source);
  const ids = new Set<string>();
  return found
    .sort((a, b) => b.score - a.score)
    .flatMap(({ command }) => (ids.has(command.id) ? [] : (ids.add(command.id), [command])))
    .slice(0, most);
}

/** Before anything is typed: what was used last, then pages and machines. */
function usual(source: Source): Scored[] {
  const known = new Map(source.pages.map((command) => [command.id, command]));
  const machines = new Map(source.machines.map((machine) => [machine.key, machine]));
  const recent = source.recent.flatMap((id, place) => {
    const command = known.get(id) ?? recall(id, machines, source);
    return command ? [{ command, score: 1000 - place }] : [];
  });
  return [
    ...recent,
    ...source.pages.map((command, place) => ({ command, score: 100 - place })),
    ...source.machines.slice(0, most).map((machine, place) => ({ command: opening(machine, source), score: -place })),
  ];
}

function search(query: string, source: Source): Scored[] {
  const bonus = (id: string): number => (source.recent.includes(id) ? recentBonus : 0);
  const scored = (command: Command, score: number): Scored => ({ command, score: score + bonus(command.id) });
  const byName = best(query, source.machines);
  const machines = byName.slice(0, most).flatMap(({ machine, score }, place) => {
    const own = scored(opening(machine, source), score);
    // Just behind it, in their own order.
    const actions = place < machinesWithActions ? possible(machine, source).map((action, at) => ({ command: acting(machine, action), score: own.score - 0.01 * (at + 1) })) : [];
    return [own, ...actions];
  });
  const pages = source.pages.flatMap((command) => {
    const score = fuzzyScore(query, command.label);
    return score === undefined ? [] : [scored(command, score)];
  });
  return [...machines, ...pages, ...verbs(query, source, scored)];
}

/** "start web" and "web start". Where a machine is named, what cannot be done to it is found as well, and says why. */
function verbs(query: string, source: Source, scored: (command: Command, score: number) => Scored): Scored[] {
  const [first] = source.machines;
  if (!first) return [];
  const words = query.toLowerCase().split(/\s+/);
  return source.actions(first).flatMap(({ id, label }) => {
    const rest = withoutVerb(words, label.toLowerCase());
    if (rest === undefined) return [];
    return best(rest, source.machines).slice(0, mostPerVerb).flatMap(({ machine, score }) => {
      const action = source.actions(machine).find((candidate) => candidate.id === id);
      if (!action || (action.reason !== undefined && rest === '')) return [];
      return [action.reason === undefined ? scored(acting(machine, action), score + 500) : { command: acting(machine, action), score: score - 500 }];
    });
  });
}

/** What is left of the words when the verb is taken from their beginning or their end; undefined where it is at neither. */
function withoutVerb(words: readonly string[], verb: string): string | undefined {
  for (let length = words.length; length > 0; length--) {
    const begin = words.slice(0, length).join(' ');
    if (verb.startsWith(begin)) return words.slice(length).join(' ');
    const end = words.slice(-length).join(' ');
    if (verb.startsWith(end)) return words.slice(0, -length).join(' ');
  }
  return undefined;
}

function best(query: string, machines: readonly Machine[]): { machine: Machine; score: number }[] {
  return machines
    .flatMap((machine) => {
      const score = fuzzyScore(query, machine.name);
      return score === undefined ? [] : [{ machine, score }];
    })
    .sort((a, b) => b.score - a.score);
}

function possible(machine: Machine, source: Source): MachineAction[] {
  return source.actions(machine).filter(({ reason }) => reason === undefined);
}

function opening(machine: Machine, source: Source): Command {
  return { id: `open ${machine.key}`, label: machine.name, kind: `Machine, ${machine.status}`, run: () => source.open(machine) };
}

function acting(machine: Machine, { id, label, asks, reason, run }: MachineAction): Command {
  return { id: `${id} ${machine.key}`, label: `${label} ${machine.name}${asks ? '…' : ''}`, kind: reason ?? 'Action', reason, run };
}

/** A recent command, where it is still possible. */
function recall(id: string, machines: ReadonlyMap<string, Machine>, source: Source): Command | undefined {
  const [verb = '', key = ''] = id.split(' ');
  const machine = machines.get(key);
  if (!machine) return undefined;
  if (verb === 'open') return opening(machine, source);
  const action = possible(machine, source).find((candidate) => candidate.id === verb);
  return action && acting(machine, action);
}
