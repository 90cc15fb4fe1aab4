import { describe, expect, it } from 'vitest';
import { beginning, machineRow, machineSeries, nodeRow, nodeSeries } from './rates.ts';
import type { CardFigures, DiskFigures } from './reading/guest-answers.ts';
import type { GuestFigures } from './reading/guest.ts';
import type { HostFigures } from './reading/host.ts';

const disk = (readBytes: number, writtenBytes: number): DiskFigures => ({ readBytes, writtenBytes, reads: 0, writes: 0, flushes: 0, readSeconds: 0, writeSeconds: 0, flushSeconds: 0 });
const card = (receivedBytes: number, sentBytes: number): CardFigures => ({ receivedBytes, sentBytes, receivedPackets: 0, sentPackets: 0, receiveErrors: 0, sendErrors: 0, receiveDrops: 0, sendDrops: 0 });
const guest = (at: number, userSeconds: number, more: Partial<GuestFigures> = {}): GuestFigures => ({
  at,
  process: { userSeconds, systemSeconds: 0, residentBytes: 500 },
  disks: new Map([['root', disk(userSeconds * 1000, 0)]]),
  balloon: undefined,
  cards: new Map(),
  ...more,
});
const named = (series: readonly string[], row: readonly number[]): Record<string, number> => Object.fromEntries(series.map((name, index) => [name, row[index] ?? 0]));

describe('a machine’s row', () => {
  const row = (before: GuestFigures | undefined, now: GuestFigures): Record<string, number> => named(machineSeries, machineRow(before, now));

  it('has rates between two looks', () => {
    expect(row(guest(0, 1), guest(10_000, 6))).toMatchObject({ cpu: 0.5, memoryResident: 500, memoryUsed: NaN, diskRead: 500, diskWrite: 0, networkReceive: NaN });
  });

  it('counts from nothing for a guest that begins', () => {
    expect(row(beginning(5000), guest(10_000, 1))).toMatchObject({ cpu: 0.2, diskRead: 200 });
  });

  it('has no rates for a guest that was found', () => {
    expect(row(undefined, guest(10_000, 1))).toMatchObject({ cpu: NaN, memoryResident: 500, diskRead: NaN });
  });

  it('counts a disk that was plugged in, and forgets one that was taken out', () => {
    const before = guest(0, 0, { disks: new Map([['root', disk(100, 0)], ['old', disk(900, 900)]]) });
    const now = guest(10_000, 0, { disks: new Map([['root', disk(200, 0)], ['new', disk(900, 50)]]) });
    expect(row(before, now)).toMatchObject({ diskRead: 100, diskWrite: 5 });
  });

  it('knows nothing of a card that was told of for the first time, or that began anew', () => {
    const before = guest(0, 0, { cards: new Map([['one', card(1000, 10)]]) });
    expect(row(before, guest(10_000, 0, { cards: new Map([['one', card(3000, 10)], ['two', card(1e9, 1e9)]]) }))).toMatchObject({ networkReceive: 200, networkTransmit: 0 });
    expect(row(before, guest(10_000, 0, { cards: new Map([['one', card(5, 10)]]) }))).toMatchObject({ networkReceive: NaN, networkTransmit: 0 });
  });

  it('knows nothing of what was not answered', () => {
    expect(row(guest(0, 1), guest(10_000, 2, { disks: undefined, process: undefined }))).toMatchObject({ cpu: NaN, memoryResident: NaN, diskRead: NaN });
  });
});

describe('the node’s row', () => {
  const host = (at: number, user: number, more: Partial<HostFigures> = {}): HostFigures => ({
    at,
    cpu: { user, nice: 0, system: 0, idle: 0, iowait: 0, irq: 0, softirq: 0, steal: 0 },
    cores: 2,
    memoryBytes: 1000,
    memoryAvailableBytes: 400,
    disks: new Map([['sda', { inBytes: user * 10, outBytes: 0 }]]),
    cards: undefined,
    ...more,
  });

  it('has what is used, and what was promised', () => {
    expect(named(nodeSeries, nodeRow(host(0, 0), host(10_000, 5), 700))).toEqual({
      ...{ cpu: 0.5, memoryUsed: 600, memoryPromised: 700, diskRead: 5, diskWrite: 0, networkReceive: NaN, networkTransmit: NaN },
    });
  });

  it('never has more processors at work than there are', () => {
    expect(nodeRow(host(0, 0), host(1000, 2.02), 0)[0]).toBe(2);
  });
});
