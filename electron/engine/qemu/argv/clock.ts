/** The guest's clock and timers as QEMU's arguments. */
import type { DomainSpec } from '#shared/kube/kubevirt.ts';
import type { Accelerator } from '../types.ts';
import { option } from './options.ts';

/** @param now what the clock of a guest with an offset or a time zone starts from */
export function clockArguments({ clock }: DomainSpec, accelerator: Accelerator, now: Date): string[] {
  const { rtc, pit } = clock?.timer ?? {};
  const offsetMs = clock?.timezone === undefined ? (clock?.utc?.offsetSeconds ?? 0) * 1000 : zoneOffsetMs(clock.timezone, now);
  return [
    '-rtc',
    option(`base=${offsetMs === 0 ? 'utc' : new Date(now.getTime() + offsetMs).toISOString().slice(0, 19)}`, {
      clock: rtc?.track === 'guest' ? 'vm' : rtc?.track === 'wall' ? 'host' : undefined,
      driftfix: rtc?.tickPolicy === 'delay' ? 'none' : 'slew',
    }),
    // The emulated timer of other accelerators has no such choice: it delays.
    ...(accelerator === 'kvm' && pit?.tickPolicy !== undefined ? ['-global', `kvm-pit.lost_tick_policy=${pit.tickPolicy}`] : []),
  ];
}

/** How far a zone's wall clock is ahead of UTC at a moment. */
function zoneOffsetMs(timeZone: string, now: Date): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  }).formatToParts(now);
  const part = (type: string): number => Number(parts.find((candidate) => candidate.type === type)?.value);
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall - Math.floor(now.getTime() / 1000) * 1000;
}

/** Whether a name is a time zone that this computer knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
