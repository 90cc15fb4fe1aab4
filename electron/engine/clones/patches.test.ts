import { expect, it } from 'vitest';
import type { VirtualMachineClone } from '#shared/kube/clone.ts';
import { clonePatches, isKept } from './patches.ts';

it('lets the last filter that matches decide', () => {
  expect(isKept('a/b', undefined)).toBe(true);
  expect(isKept('a/b', ['a/*'])).toBe(true);
  expect(isKept('c', ['a/*'])).toBe(false);
  expect(isKept('c', ['!a/*'])).toBe(true);
  expect(isKept('a/b', ['*', '!a/*'])).toBe(false);
  expect(isKept('a/b', ['*', '!a/*', 'a/b'])).toBe(true);
});

it('gives a clone addresses, a uuid and a serial of its own, and applies the given patches last', () => {
  const clone = {
    spec: {
      source: { kind: 'VirtualMachine', name: 'a' },
      labelFilters: ['!gone'],
      newMacAddresses: { two: '02:00:00:00:00:02' },
      newSMBiosSerial: 'abc',
      patches: ['{"op":"test","path":"/kind","value":"VirtualMachine"}'],
    },
  } as unknown as VirtualMachineClone;
  const patches = clonePatches(clone, {
    metadata: { name: 'a', labels: { 'gone': '', 'a/b~': '' } },
    spec: {
      template: {
        spec: {
          domain: {
            firmware: { uuid: 'x' },
            devices: { interfaces: [{ name: 'one', macAddress: '02:00:00:00:00:01' }, { name: 'two', macAddress: '02:00:00:00:00:01' }] },
          },
        },
      },
    },
  });
  const interfaces = '/spec/template/spec/domain/devices/interfaces';
  expect(patches.map((text) => JSON.parse(text) as unknown)).toEqual([
    { op: 'remove', path: '/metadata/labels/gone' },
    { op: 'remove', path: `${interfaces}/0/macAddress` },
    { op: 'add', path: `${interfaces}/1/macAddress`, value: '02:00:00:00:00:02' },
    { op: 'remove', path: '/spec/template/spec/domain/firmware/uuid' },
    { op: 'add', path: '/spec/template/spec/domain/firmware/serial', value: 'abc' },
    { op: 'test', path: '/kind', value: 'VirtualMachine' },
  ]);
});
