import { describe, expect, it } from 'vitest';
import type { Disk, VirtualMachineInstance, VirtualMachineInstanceSpec, Volume, VolumeStatus } from '#shared/kube/kubevirt.ts';
import { declaredSpec, fixedPart } from './declared.ts';
import { targetsOf } from './targets.ts';

const spec = (disks: Disk[], volumes: Volume[]): VirtualMachineInstanceSpec => ({ domain: { devices: { disks } }, volumes });
const root: [Disk, Volume] = [{ name: 'root' }, { name: 'root', dataVolume: { name: 'root' } }];
const coming = (name: string, claimName = name): [Disk, Volume] => [
  { name, disk: { bus: 'scsi' } },
  { name, persistentVolumeClaim: { claimName, hotpluggable: true } },
];
const of = (...pairs: [Disk, Volume][]): VirtualMachineInstanceSpec => spec(pairs.map(([disk]) => disk), pairs.map(([, volume]) => volume));
const running = (is: VirtualMachineInstanceSpec, volumeStatus: VolumeStatus[] = []): VirtualMachineInstance => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstance',
  metadata: { name: 'vm' },
  spec: is,
  status: { volumeStatus },
});

describe('what a running machine takes from its template', () => {
  it('is nothing when they agree, or differ in what is fixed alone', () => {
    expect(declaredSpec(of(root, coming('a')), running(of(root, coming('a'))))).toBeUndefined();
    expect(declaredSpec(of(root, [{ name: 'b' }, { name: 'b', dataVolume: { name: 'b' } }]), running(of(root)))).toBeUndefined();
    expect(declaredSpec(of(), running(of(root)))).toBeUndefined();
  });

  it('is a disk that came and one that went', () => {
    expect(declaredSpec(of(root, coming('b')), running(of(root, coming('a'))))).toEqual(of(root, coming('b')));
  });

  it('is first the old volume’s end, then the new one’s beginning, where the claim behind a name changes', () => {
    const wanted = of(root, coming('a', 'other'));
    const leaving: VolumeStatus = { name: 'a', target: 'sda', phase: 'Detaching', hotplugVolume: {} };
    const first = declaredSpec(wanted, running(of(root, coming('a')), [leaving]));
    expect(first).toEqual(of(root));
    expect(declaredSpec(wanted, running(of(root), [leaving]))).toBeUndefined();
    expect(declaredSpec(wanted, running(of(root)))).toEqual(wanted);
  });

  it('is the medium, never the drive, of a CD', () => {
    const drive: Disk = { name: 'cd', cdrom: {} };
    const medium: Volume = { name: 'cd', dataVolume: { name: 'iso', hotpluggable: true } };
    expect(declaredSpec(spec([drive], [medium]), running(spec([drive], [])))).toEqual(spec([drive], [medium]));
    expect(declaredSpec(spec([drive], []), running(spec([drive], [medium])))).toEqual(spec([drive], []));
    expect(declaredSpec(spec([drive], [medium]), running(spec([], [])))).toBeUndefined();
  });
});

describe('what needs a restart', () => {
  const text = (value: VirtualMachineInstanceSpec): string => JSON.stringify(fixedPart(value));
  it('is no disk that comes or goes, and every other one', () => {
    expect(text(of(root, coming('a')))).toBe(text(of(root)));
    expect(text(of(coming('a')))).toBe(text({ domain: { devices: {} } }));
    expect(text(of(root, [{ name: 'b' }, { name: 'b', dataVolume: { name: 'b' } }]))).not.toBe(text(of(root)));
  });
});

describe('targets', () => {
  it('go by bus, keep what was given, and fill gaps', () => {
    const disks: Disk[] = [{ name: 'root' }, { name: 'b', disk: { bus: 'scsi' } }, { name: 'cd', cdrom: {} }, { name: 'c', disk: { bus: 'virtio' } }];
    expect([...targetsOf(disks, new Map([['b', 'sdb']])).values()]).toEqual(['vda', 'sdb', 'sda', 'vdb']);
    const many = Array.from({ length: 28 }, (_, index): Disk => ({ name: `d${index}` }));
    expect([...targetsOf(many, new Map()).values()].slice(-2)).toEqual(['vdaa', 'vdab']);
  });
});
