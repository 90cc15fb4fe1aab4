/** The network that a machine has when it names none. */
import type { VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';

/** Changes the spec in place. */
export function addDefaultNetwork(spec: VirtualMachineInstanceSpec): void {
  const { devices } = spec.domain;
  if (devices.interfaces !== undefined || spec.networks !== undefined || devices.autoattachPodInterface === false) return;
  devices.interfaces = [{ name: 'default', masquerade: {} }];
  spec.networks = [{ name: 'default', pod: {} }];
}
