/** Objects that the conformance tests create. */
import type { ConfigMap } from '#shared/kube/core.ts';
import type { Disk, DomainSpec, VirtualMachine, VirtualMachineInstanceSpec, Volume } from '#shared/kube/kubevirt.ts';

export const configMap = (name: string, data: Record<string, string>, labels?: Record<string, string>): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...(labels ? { labels } : {}) },
  data,
});

export interface MachineParts {
  runStrategy?: 'Always' | 'Halted';
  /** Of any shape, as are the others: wrong ones are tried, too. */
  domain?: object;
  disks?: readonly object[];
  volumes?: readonly object[];
  /** What else the instance's spec has. */
  spec?: object;
}

/** A machine with enough memory for the rig's shell disk, which is turned off at once when it is to stop. */
export function machineWith(name: string, { runStrategy = 'Always', domain = {}, disks = [], volumes = [], spec = {} }: MachineParts): VirtualMachine {
  const instance: VirtualMachineInstanceSpec = {
    terminationGracePeriodSeconds: 0,
    domain: { memory: { guest: '256Mi' }, ...domain, devices: { ...(domain as Partial<DomainSpec>).devices, disks: disks as Disk[] } },
    volumes: volumes as Volume[],
    ...spec,
  };
  return { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', metadata: { name }, spec: { runStrategy, template: { spec: instance } } };
}

/** The disk `root` of a machine, behind which is a DataVolume. */
export const rootDisk = (dataVolume = 'root'): { disk: Disk; volume: Volume } => ({
  disk: { name: 'root', disk: { bus: 'virtio' } },
  volume: { name: 'root', dataVolume: { name: dataVolume } },
});

/** A machine with nothing to boot from: its firmware runs, and that is enough. */
export const machine = (name: string, runStrategy: 'Always' | 'Halted' = 'Halted'): VirtualMachine => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name },
  spec: {
    runStrategy,
    template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} }, terminationGracePeriodSeconds: 0 } },
  },
});
