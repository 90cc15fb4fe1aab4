/** Events that say the same, as one. */
import type { MachineEvent } from '#shared/contract/machines.ts';

export interface EventGroup {
  key: string;
  type: MachineEvent['type'];
  reason: string;
  /** What it is about: `VirtualMachine`, and a name where that is not the machine's own. */
  about: string;
  name: string | undefined;
  /** Newest first; never empty. */
  events: MachineEvent[];
  message: string;
  /** How often it happened in all. */
  count: number;
  at: number;
  firstAt: number;
}

/** @returns groups of the same type, reason and object, the one that happened last first */
export function groupEvents(events: readonly MachineEvent[]): EventGroup[] {
  const groups = new Map<string, EventGroup>();
  for (const event of [...events].sort((a, b) => b.at - a.at)) {
    const key = [event.type, event.reason, event.about, event.name ?? ''].join('/');
    const group = groups.get(key);
    if (group) {
      group.events.push(event);
      group.count += event.count;
      group.firstAt = Math.min(group.firstAt, event.firstAt);
    } else {
      const { type, reason, about, name, message, count, at, firstAt } = event;
      groups.set(key, { key, type, reason, about, name, events: [event], message, count, at, firstAt });
    }
  }
  return [...groups.values()];
}
