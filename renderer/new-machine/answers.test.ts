import { describe, expect, it } from 'vitest';
import { noCloudInitAnswers } from '#shared/cloud-init/user-data.ts';
import type { Image } from '#shared/contract/images.ts';
import type { NewMachineDefaults } from '#shared/contract/new-machine.ts';
import { diskWarning, machineOf, problemsOf, requestOf, type Answers } from './answers.ts';
import { natCard } from './network-answers.ts';

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
  source: { kind: 'image', image: iso },
  ...{ name: 'web', description: ' ', sizing: 'own', cores: 2, memoryGib: 1.3, type: undefined, preference: '' },
  ...{ diskGib: 20, storageClass: '', firmware: 'bios', tpm: false, diskBus: 'virtio', runStrategy: 'RerunOnFailure' },
  cards: [natCard()],
  cloudInit: { on: false, form: noCloudInitAnswers, text: undefined },
};
const type = { name: 'u1.medium', cores: 1, memoryBytes: 4 * gib };
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
  it('refuses no size where it is not known what there is', () => {
    const unlimited = { ...defaults, limits: undefined };
    expect(problemsOf({ ...good, cores: 512, memoryGib: 9000 }, unlimited)).toEqual({});
    expect(problemsOf({ ...good, sizing: 'type', type: { ...type, cores: 512 } }, unlimited)).toEqual({});
    expect(diskWarning(9000, unlimited)).toBeUndefined();
  });

  it('has nothing against good answers, up to the limits', () => {
    expect(problemsOf(good, defaults)).toEqual({});
    expect(problemsOf({ ...good, cores: 4, memoryGib: 23.5, source: { kind: 'empty' } }, defaults)).toEqual({});
  });

  it.each([
    [{ source: undefined }, { source: 'Choose what it boots.' }],
    [{ source: { kind: 'image' as const, image: { ...iso, state: 'uploading' as const } } }, { source: 'This image is not ready yet.' }],
    [{ cores: 5 }, { cores: 'This computer has 4 cores.' }],
    [{ cores: 1.5 }, { cores: 'A whole number of cores is needed, such as 2.' }],
    [{ memoryGib: 24 }, { memoryBytes: 'This computer has 23.5 GiB.' }],
    [{ memoryGib: 0.01 }, { memoryBytes: 'A machine needs 64 MiB at least.' }],
    [{ diskGib: null }, { diskBytes: 'A disk needs a size, such as 20.' }],
    [{ source: { kind: 'volume' as const, volume: { claim: 'data', usedBy: ['db'] } } }, { source: 'In use by db.' }],
    [{ sizing: 'type' as const }, { instancetype: 'Choose a type.' }],
    [{ sizing: 'type' as const, type: { ...type, cores: 8 }, cores: null }, { instancetype: 'This computer has 4 cores.' }],
    [{ cards: [{ ...natCard(), mac: '53:54:00:00:00:01' }] }, { networks: 'This is an address of a group of cards. The second digit is to be even.' }],
    [{ cards: [natCard(), natCard()] }, { networks: 'One card can be behind the host, not several.' }],
    [{ cards: [{ ...natCard(), forwards: [{ port: 22, protocol: 'TCP' as const, nodePort: 22 }] }] }, { networks: 'The host’s port is from 30000 to 32767, or empty for any.' }],
    [{ cloudInit: { on: true, form: { ...noCloudInitAnswers, user: 'root' }, text: undefined } }, { userData: 'root is there already. Leave this empty, or choose another name.' }],
    [{ cloudInit: { on: true, form: noCloudInitAnswers, text: '#cloud-config\na: [' } }, { userData: expect.stringMatching(/^Line 2, column 5: /) as string }],
    [{ name: 'db' }, { name: 'There is a machine called “db” already.' }],
  ])('tells of %j', (change, problems) => {
    expect(problemsOf({ ...good, ...change }, defaults, true)).toEqual(problems);
  });
});

it('speaks of nodes where the cluster is not this computer', () => {
  expect(problemsOf({ ...good, cores: 5, memoryGib: 24 }, defaults)).toEqual({ cores: 'The largest node has 4 cores.', memoryBytes: 'The largest node has 23.5 GiB.' });
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

it('asks of a snapshot nothing but a name', () => {
  const snapshot = { name: 'before', machine: 'db', taken: 0 };
  const copy: Answers = { ...good, source: { kind: 'snapshot', snapshot }, cores: null, diskGib: null };
  expect(problemsOf(copy, defaults)).toEqual({});
  expect(requestOf(copy, 'local', 'default')).toEqual({ make: 'copy', clusterId: 'local', namespace: 'default', name: 'web', snapshot: 'before' });
});

it('takes the size of a type, and of a volume', () => {
  const volume = { claim: 'data', sizeBytes: 7 * gib, usedBy: [] };
  const machine = machineOf({ ...good, source: { kind: 'volume', volume }, sizing: 'type', type, storageClass: 'fast' }, 'local', 'default');
  expect(machine).toMatchObject({ instancetype: 'u1.medium', cores: 1, memoryBytes: 4 * gib, diskBytes: 7 * gib });
  expect(machine).not.toHaveProperty('storageClass');
});
