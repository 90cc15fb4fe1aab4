/** From counters to what is shown: so much a second, between two looks. Pure. NaN is what is not known. */
import { usedMemory } from './reading/guest-answers.ts';
import type { GuestFigures } from './reading/guest.ts';
import { busySeconds, totalOf, type HostFigures } from './reading/host.ts';

/** Processor time in processors, memory in bytes, traffic in bytes a second from the machine's point of view. */
export const machineSeries = ['cpu', 'memoryResident', 'memoryUsed', 'diskRead', 'diskWrite', 'networkReceive', 'networkTransmit'] as const;
export const nodeSeries = ['cpu', 'memoryUsed', 'memoryPromised', 'diskRead', 'diskWrite', 'networkReceive', 'networkTransmit'] as const;

/** What a guest that begins has done so far: nothing. */
export const beginning = (at: number): GuestFigures => ({
  at,
  process: { userSeconds: 0, systemSeconds: 0, residentBytes: 0 },
  disks: new Map(),
  balloon: undefined,
  cards: new Map(),
});

/** @param before undefined for a guest that is seen for the first time and ran before: its rates are not known yet */
export function machineRow(before: GuestFigures | undefined, now: GuestFigures): number[] {
  const seconds = (now.at - (before?.at ?? NaN)) / 1000;
  const disk = (of: 'readBytes' | 'writtenBytes'): number => {
    if (!now.disks || !before?.disks) return NaN;
    // A disk that was plugged in meanwhile begins at nothing.
    return sum([...now.disks].map(([name, figures]) => grown(before.disks?.get(name)?.[of] ?? 0, figures[of]))) / seconds;
  };
  const card = (of: 'receivedBytes' | 'sentBytes'): number => {
    const both = [...now.cards].flatMap(([name, figures]) => {
      const old = before?.cards.get(name);
      return old ? [grown(old[of], figures[of])] : [];
    });
    return both.length === 0 ? NaN : sum(both) / seconds;
  };
  return [
    before?.process && now.process ? grown(cpuSeconds(before), cpuSeconds(now)) / seconds : NaN,
    now.process?.residentBytes ?? NaN,
    usedMemory(now.balloon) ?? NaN,
    disk('readBytes'),
    disk('writtenBytes'),
    card('receivedBytes'),
    card('sentBytes'),
  ];
}

/** @param promisedBytes memory that the running guests were given */
export function nodeRow(before: HostFigures, now: HostFigures, promisedBytes: number): number[] {
  const seconds = (now.at - before.at) / 1000;
  const traffic = (of: 'disks' | 'cards', way: 'inBytes' | 'outBytes'): number => {
    const [old, current] = [totalOf(before[of]), totalOf(now[of])];
    return old && current ? grown(old[way], current[way]) / seconds : NaN;
  };
  return [
    Math.min(now.cores, grown(busySeconds(before.cpu), busySeconds(now.cpu)) / seconds),
    now.memoryBytes - now.memoryAvailableBytes,
    promisedBytes,
    traffic('disks', 'inBytes'),
    traffic('disks', 'outBytes'),
    traffic('cards', 'inBytes'),
    traffic('cards', 'outBytes'),
  ];
}

const cpuSeconds = ({ process }: GuestFigures): number => (process?.userSeconds ?? NaN) + (process?.systemSeconds ?? NaN);

/** A counter that went back began anew: how far it got meanwhile is not known. */
const grown = (before: number, now: number): number => (now >= before ? now - before : NaN);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
