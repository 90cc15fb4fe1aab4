/** A machine's network cards: those of its definition, and those that only its guest knows. */
import type { MachineNetwork } from '#shared/contract/machines.ts';
import type { Interface, VirtualMachine, VirtualMachineInstance, VmiInterfaceStatus } from '#shared/kube/kubevirt.ts';

export function machineNetworks(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): MachineNetwork[] {
  const { domain, networks = [] } = vm.spec.template.spec;
  const seen = vmi?.status?.interfaces ?? [];
  const own = (domain.devices.interfaces ?? []).map((item): MachineNetwork => {
    const status = seen.find(({ name }) => name === item.name);
    const mac = status?.mac ?? item.macAddress;
    const network = networks.find(({ name }) => name === item.name)?.multus?.networkName;
    return {
      name: item.name,
      binding: bindingOf(item),
      ...(item.model === undefined ? {} : { model: item.model }),
      ...(mac === undefined ? {} : { mac }),
      ...(network === undefined ? {} : { network }),
      ...facts(status, item.state),
      guestOnly: false,
    };
  });
  const others = seen
    .filter(({ name, interfaceName }) => !own.some((item) => item.name === name) && interfaceName !== 'lo')
    .map((status): MachineNetwork => ({
      name: status.name || (status.interfaceName ?? ''),
      binding: '',
      ...(status.mac ? { mac: status.mac } : {}),
      ...facts(status, undefined),
      guestOnly: true,
    }));
  return [...own, ...others];
}

function facts(status: VmiInterfaceStatus | undefined, wanted: Interface['state']): Pick<MachineNetwork, 'addresses' | 'device' | 'link'> {
  const link = status?.linkState ?? wanted;
  return {
    addresses: status?.ipAddresses ?? (status?.ipAddress ? [status.ipAddress] : []),
    ...(status?.interfaceName ? { device: status.interfaceName } : {}),
    link: link === 'up' || link === 'down' ? link : 'unknown',
  };
}

function bindingOf(item: Interface): string {
  if (item.binding) return item.binding.name;
  const known = ['masquerade', 'bridge', 'sriov', 'slirp', 'passt', 'passtBinding', 'macvtap'];
  return Object.keys(item).find((key) => known.includes(key)) ?? 'unknown';
}
