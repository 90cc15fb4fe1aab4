import { expect, it, vi } from 'vitest';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { dataVolumes } from '../clusters/kinds.ts';
import { machineImages } from '../harvester/harvester-facts.ts';
import { driveFor, forMachine } from './for-machine.ts';

const machine = (disks: unknown[], volumes: unknown[]): VirtualMachine => ({ spec: { template: { spec: { domain: { devices: { disks } }, volumes } } } }) as unknown as VirtualMachine;
const cd = (name: string): object => ({ name, cdrom: { bus: 'sata' } });
const target = { clusterId: 'c', namespace: 'default', fileName: 'a.iso' };

function stage(answer: VirtualMachine): { run: ReturnType<typeof forMachine>; insert: ReturnType<typeof vi.fn>; add: ReturnType<typeof vi.fn>; call: ReturnType<typeof vi.fn> } {
  const call = vi.fn(() => Promise.resolve(answer));
  const insert = vi.fn(() => Promise.resolve({ restartNeeded: true }));
  const add = vi.fn(() => Promise.resolve({ taskId: 't' }));
  const clusters = { get: () => ({ client: () => Promise.resolve({ call }) }) } as unknown as Clusters;
  return { run: forMachine(clusters, { 'machines.insertMedia': insert, 'machines.addDisk': add }), insert, add, call };
}

it('finds an empty drive before a full one, and leaves drives with answers for the first start alone', () => {
  expect(driveFor(machine([cd('a'), cd('b')], [{ name: 'a', persistentVolumeClaim: { claimName: 'x' } }]))).toBe('b');
  expect(driveFor(machine([cd('init'), cd('a')], [{ name: 'init', cloudInitNoCloud: {} }, { name: 'a', dataVolume: { name: 'x' } }]))).toBe('a');
  expect(driveFor(machine([cd('init'), { name: 'disk', disk: {} }], [{ name: 'init', sysprep: {} }]))).toBeUndefined();
});

it('inserts a disc, and says when the guest sees it', async () => {
  const { run, insert } = stage(machine([cd('cd')], []));
  expect(await run({ ...target, then: { machine: 'vm', as: 'cd' } }, { kind: dataVolumes, name: 'a' })).toBe('It is in the CD drive of vm from its next restart on.');
  expect(insert).toHaveBeenCalledWith({ clusterId: 'c', namespace: 'default', name: 'vm', image: 'a', drive: 'cd' }, expect.anything());
});

it('attaches a disk, which is no image any more', async () => {
  const { run, add, call } = stage(machine([], []));
  await run({ ...target, then: { machine: 'vm', as: 'disk' } }, { kind: dataVolumes, name: 'a' });
  expect(add).toHaveBeenCalledWith(expect.objectContaining({ name: 'vm', source: { kind: 'existing', claim: 'a' } }), expect.anything());
  expect(call).toHaveBeenCalledWith('PATCH', expect.stringContaining('/datavolumes/a'), expect.objectContaining({ body: { metadata: { labels: { 'hayloft.io/image': null } } } }));
});

it('does nothing where it was dropped on no machine, and refuses Harvester’s images', async () => {
  const { run, call } = stage(machine([], []));
  expect(await run(target, { kind: dataVolumes, name: 'a' })).toBeUndefined();
  expect(call).not.toHaveBeenCalled();
  await expect(run({ ...target, then: { machine: 'vm', as: 'cd' } }, { kind: machineImages, name: 'a' })).rejects.toMatchObject({ code: 'unsupported' });
});
