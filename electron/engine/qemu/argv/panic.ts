/** Devices by which a guest tells that its kernel has panicked. */
import type { DomainSpec } from '#shared/kube/kubevirt.ts';
import { option } from './options.ts';

/** KubeVirt's models: `isa` (the default here) is a port, `pvpanic` a PCI device. */
export function panicArguments({ devices }: DomainSpec): string[] {
  return (devices.panicDevices ?? []).flatMap(({ model = 'isa' }) => ['-device', option(model === 'isa' ? 'pvpanic' : 'pvpanic-pci')]);
}
