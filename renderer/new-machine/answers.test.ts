import { describe, expect, it } from 'vitest';
import type { Image } from '#shared/contract/images.ts';
import type { NewMachineDefaults } from '#shared/contract/machines.ts';
import { diskWarning, machineOf, problemsOf, type Answers } from './answers.ts';

const gib = 2 ** 30;
const iso: Image = {
  clusterId: 'local',
  namespace: 'default',
  name: 'debian-12',
  key: 'local/default/debian-12',
  displayName: 'debian-12.iso',
  kind: 'iso',
  state: 'ready',
  created: 0,
  usedBy: [],
};
const good: Answers = {
  source: iso,
  name: 'web',
  description: ' ',
  cores: 2,
  memoryGib: 1.3,
  diskGib: 20,
  firmware: 'bios',
  diskBus: 'virtio',
  network: 'nat',
  networkModel: 'virtio',
  start: true,
};
const defaults: NewMachineDefaults = {
  namespace: 'default',
  name: 'machine',
  cores: 2,
  memoryBytes: 2 * gib,
  diskBytes: 20 * gib,
  firmware: 'bios',
  uefiAvailable: true,
  limits: { cores: 4, memoryBytes: 23.5 * gib, diskFreeBytes: 50 * gib },
  takenNames: ['db'],
};

describe('problemsOf', () => {
  it('has nothing against good answers, up to the limits', () => {
    expect(problemsOf(good, defaults)).toEqual({});
    expect(problemsOf({ ...good, cores: 4, memoryGib: 23.5, source: 'empty' }, defaults)).toEqual({});
  });

  it.each([
    [{ source: undefined }, { source: 'Choose what it boots.' }],
    [{ source: { ...iso, state: 'uploading' as const } }, { source: 'This image is not ready yet.' }],
    [{ cores: 5 }, { cores: 'This computer has 4 cores.' }],
    [{ cores: 1.5 }, { cores: 'A whole number of cores is needed, such as 2.' }],
    [{ memoryGib: 24 }, { memoryBytes: 'This computer has 23.5 GiB.' }],
    [{ memoryGib: 0.01 }, { memoryBytes: 'A machine needs 64 MiB at least.' }],
    [{ diskGib: null }, { diskBytes: 'A disk needs a size, such as 20.' }],
    [{ name: 'db' }, { name: 'There is a machine called “db” already.' }],
  ])('tells of %j', (change, problems) => {
    expect(problemsOf({ ...good, ...change }, defaults)).toEqual(problems);
  });
});

it('only warns of a disk larger than what is free', () => {
  expect(diskWarning(50, defaults)).toBeUndefined();
  expect(diskWarning(51, defaults)).toBe('Only 50 GiB are free. It grows as it fills.');
});

it('asks for whole mebibytes, and for no description where none is written', () => {
  const machine = machineOf(good, 'local', 'default');
  expect(machine.memoryBytes).toBe(1331 * 2 ** 20);
  expect(machine).not.toHaveProperty('description');
  expect(machine.source).toEqual({ kind: 'iso', image: 'debian-12' });
});
