/** What is written for a change: pure functions over machines. */
import { describe, expect, it } from 'vitest';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { DomainSpec, VirtualMachine, Volume } from '#shared/kube/kubevirt.ts';
import { IMAGE_LABEL } from '#shared/kube/labels.ts';
import { doomedDisks } from './deletion-calls.ts';
import { eject, insert } from './media-calls.ts';
import { descriptionKey, notesPatch } from './notes.ts';
import { resizeDomain } from './resize.ts';

const gib = 2 ** 30;
const domain = (more: Partial<DomainSpec> = {}): DomainSpec => ({ cpu: { cores: 2 }, memory: { guest: '2Gi' }, devices: {}, ...more });
const machine = (name: string, volumes: Volume[], devices: DomainSpec['devices'] = {}): VirtualMachine => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
  spec: { template: { spec: { domain: { devices }, volumes } } },
});

describe('a new size', () => {
  it('is in cores where nothing is said of sockets, and needs a restart', () => {
    const target = domain();
    expect(resizeDomain(target, domain(), { cores: 3, memoryBytes: 3 * gib })).toBe(false);
    expect(target).toMatchObject({ cpu: { cores: 3 }, memory: { guest: '3Gi' } });
    expect(target.cpu).not.toHaveProperty('sockets');
  });

  it('is in sockets where the running instance says that more may come, and needs none', () => {
    const target = domain();
    const running = domain({ cpu: { cores: 2, sockets: 1, maxSockets: 4 }, memory: { guest: '2Gi', maxGuest: '8Gi' } });
    expect(resizeDomain(target, running, { cores: 4, memoryBytes: 4 * gib })).toBe(true);
    expect(target).toMatchObject({ cpu: { cores: 2, sockets: 2 }, memory: { guest: '4Gi' } });
  });

  it.each([
    ['a number that is no whole sockets', { cores: 3, memoryBytes: 2 * gib }],
    ['more than the most', { cores: 16, memoryBytes: 2 * gib }],
    ['less memory', { cores: 2, memoryBytes: gib }],
    ['more memory than the most', { cores: 2, memoryBytes: 16 * gib }],
  ])('needs a restart for %s', (_what, size) => {
    const running = domain({ cpu: { cores: 2, sockets: 1, maxSockets: 4 }, memory: { guest: '2Gi', maxGuest: '8Gi' } });
    expect(resizeDomain(domain(), running, size)).toBe(false);
  });

  it('keeps requests and limits at their distance, as Harvester sets its limit above the guest', () => {
    const target = domain({ resources: { limits: { cpu: 2, memory: '2148Mi' }, requests: { cpu: '125m', memory: '1Gi' } } });
    resizeDomain(target, undefined, { cores: 4, memoryBytes: 3 * gib });
    expect(target.resources).toEqual({ limits: { cpu: '4', memory: '3172Mi' }, requests: { cpu: '2125m', memory: '2Gi' } });
  });
});

describe('notes', () => {
  it('are patched where they differ, and taken off where they are gone', () => {
    const before = { labels: { app: 'web', old: 'x' }, annotations: { a: '1' } };
    expect(notesPatch(before, { labels: { app: 'db' }, annotations: { a: '1' } })).toEqual({ labels: { app: 'db', old: null } });
    expect(notesPatch(before, before)).toBeUndefined();
  });

  it('have their description where Harvester’s pages look for it', () => {
    expect(descriptionKey('harvester')).toBe('field.cattle.io/description');
    expect(descriptionKey('kubevirt')).toBe('hayloft.io/description');
  });
});

describe('a disc', () => {
  const disc: Volume = { name: 'cd', persistentVolumeClaim: { claimName: 'iso', hotpluggable: true } };
  const devices = { disks: [{ name: 'cd', cdrom: { bus: 'sata' as const } }] };

  it('goes into an empty drive at once, and comes out of it', () => {
    const target = machine('web', [], devices);
    expect(insert(target, 'cd', 'iso')).toBe(true);
    expect(target.spec.template.spec.volumes).toEqual([disc]);
    expect(eject(target, 'cd')).toBe(true);
    expect(target.spec.template.spec.volumes).toEqual([]);
    expect(() => eject(target, 'cd')).toThrow('no disc');
  });

  it('waits for a restart where the one before was fixed, and where there is no drive', () => {
    const fixed = machine('web', [{ name: 'cd', persistentVolumeClaim: { claimName: 'installer' } }], devices);
    expect(insert(fixed, 'cd', 'iso')).toBe(false);
    expect(fixed.spec.template.spec.volumes).toEqual([{ name: 'cd', persistentVolumeClaim: { claimName: 'iso' } }]);
    const bare = machine('web', [{ name: 'cd', emptyDisk: { capacity: '1Gi' } }]);
    expect(insert(bare, undefined, 'iso')).toBe(false);
    expect(bare.spec.template.spec.domain.devices.disks).toEqual([{ name: 'cd-2', cdrom: { bus: 'sata' } }]);
    expect(() => insert(bare, 'gone', 'iso')).toThrow('“gone”');
  });
});

it('tells of each disk of a machine who else uses it, and whether it would go', () => {
  const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name: 'web', uid: 'uid-web' };
  const claim = (name: string, labels: Record<string, string> = {}): PersistentVolumeClaim => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, labels },
    spec: { resources: { requests: { storage: '1Gi' } } },
  });
  const volume: DataVolume = { apiVersion: 'cdi.kubevirt.io/v1beta1', kind: 'DataVolume', metadata: { name: 'own', ownerReferences: [owner] }, spec: {} };
  const web = machine('web', [
    { name: 'root', dataVolume: { name: 'own' } },
    { name: 'shared', persistentVolumeClaim: { claimName: 'shared' } },
    { name: 'cd', persistentVolumeClaim: { claimName: 'iso' } },
    { name: 'init', cloudInitNoCloud: { userData: '' } },
    { name: 'missing', persistentVolumeClaim: { claimName: 'missing' } },
  ]);
  const other = machine('db', [{ name: 'd', persistentVolumeClaim: { claimName: 'shared' } }]);
  const claims = [claim('own'), claim('shared'), claim('iso', { [IMAGE_LABEL]: 'iso' })];
  expect(doomedDisks(web, [web, other], claims, [volume])).toEqual([
    { name: 'root', claim: 'own', sizeBytes: gib, owned: true, image: false, usedBy: [] },
    { name: 'shared', claim: 'shared', sizeBytes: gib, owned: false, image: false, usedBy: ['db'] },
    { name: 'cd', claim: 'iso', sizeBytes: gib, owned: false, image: true, usedBy: [] },
  ]);
});
