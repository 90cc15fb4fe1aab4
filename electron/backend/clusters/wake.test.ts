import { describe, expect, it } from 'vitest';
import { WakeWatch } from './wake.ts';

function setUp(): { watch: WakeWatch; told: string[]; clock: { now: number }; network: { addresses: string } } {
  const told: string[] = [];
  const clock = { now: 1_000_000 };
  const network = { addresses: 'wlan0 192.168.1.7' };
  const watch = new WakeWatch(
    { woke: (ms) => told.push(`woke ${ms}`), moved: () => told.push('moved') },
    () => clock.now,
    () => network.addresses,
  );
  watch.begin();
  watch.end();
  return { watch, told, clock, network };
}

describe('a computer that slept', () => {
  it('is told by its clock', () => {
    const { watch, told, clock } = setUp();
    clock.now += 2000;
    watch.look();
    clock.now += 2600;
    watch.look();
    expect(told).toEqual([]);
    clock.now += 3_602_000;
    watch.look();
    expect(told).toEqual(['woke 3600000']);
  });

  it('is in another network when it has other addresses', () => {
    const { watch, told, network } = setUp();
    watch.look();
    network.addresses = 'wlan0 10.0.0.3';
    watch.look();
    watch.look();
    expect(told).toEqual(['moved']);
  });
});
