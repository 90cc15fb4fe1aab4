/** What is known of each instance without asking its guest: by KubeVirt's names and with its labels. */
import type { Interface, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import type { Resources } from '../../store/resources.ts';
import { launcherName } from '../kinds/usage.ts';
import type { Page } from './text.ts';

export function writeInstances(page: Page, resources: Resources): void {
  for (const vmi of resources.list(virtualMachineInstances)) {
    writeInfo(page, vmi);
    writeAddresses(page, vmi);
    writeCards(page, vmi);
  }
}

function writeInfo(page: Page, { metadata, status, ...vmi }: VirtualMachineInstance): void {
  const { annotations = {} } = metadata;
  const system = status?.guestOSInfo ?? {};
  page.family('kubevirt_vmi_info', 'gauge', 'What kind of instance it is, and how it stands.').set(1, {
    node: status?.nodeName,
    namespace: metadata.namespace,
    name: metadata.name,
    phase: status?.phase?.toLowerCase(),
    os: annotations['vm.kubevirt.io/os'],
    workload: annotations['vm.kubevirt.io/workload'],
    flavor: annotations['vm.kubevirt.io/flavor'],
    instance_type: annotations['kubevirt.io/instancetype-name'] ?? annotations['kubevirt.io/cluster-instancetype-name'],
    preference: annotations['kubevirt.io/preference-name'] ?? annotations['kubevirt.io/cluster-preference-name'],
    guest_os_kernel_release: system['kernelRelease'],
    guest_os_machine: status?.machine?.type,
    guest_os_arch: system['machine'],
    guest_os_name: system['name'],
    guest_os_version_id: system['versionId'],
    evictable: 'true',
    outdated: 'false',
    vmi_pod: status?.phase === 'Running' ? launcherName({ metadata, ...vmi }) : undefined,
  });
}

function writeAddresses(page: Page, { metadata: { namespace, name }, status }: VirtualMachineInstance): void {
  for (const item of status?.interfaces ?? []) {
    page.family('kubevirt_vmi_status_addresses', 'gauge', 'Addresses of the instance.').set(1, {
      ...{ node: status?.nodeName, namespace, name, vnic_name: item.name, interface_name: item.interfaceName },
      address: item.ipAddress,
      type: item.ipAddress === undefined ? 'SystemInterface' : 'ExternalInterface',
    });
  }
}

function writeCards(page: Page, { metadata: { namespace, name }, spec }: VirtualMachineInstance): void {
  for (const item of spec.domain.devices.interfaces ?? []) {
    const network = spec.networks?.find((candidate) => candidate.name === item.name);
    page.family('kubevirt_vmi_vnic_info', 'gauge', 'Network cards of the instance.').set(1, {
      ...{ name, namespace, vnic_name: item.name, ...bindingOf(item) },
      network: network?.multus?.networkName ?? 'pod networking',
      model: item.model ?? '<none>',
    });
  }
}

function bindingOf({ bridge, binding }: Interface): { binding_type: string; binding_name: string } {
  if (binding) return { binding_type: 'plugin', binding_name: binding.name };
  return { binding_type: 'core', binding_name: bridge ? 'bridge' : 'masquerade' };
}
