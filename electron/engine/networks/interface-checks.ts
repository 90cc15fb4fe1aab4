/** What a schema cannot say about a machine's interfaces and networks. Pure. */
import { isIPv6 } from 'node:net';
import type { Interface, Network, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import type { StatusCause } from '#shared/kube/object.ts';

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message });

/** @param path where the spec stands in its object */
export function checkNetworks({ domain, networks = [] }: VirtualMachineInstanceSpec, path: string): StatusCause[] {
  const interfaces = domain.devices.interfaces ?? [];
  const causes: StatusCause[] = [];
  interfaces.forEach((item, index) => {
    const at = `${path}.domain.devices.interfaces[${index}]`;
    const network = networks.find(({ name }) => name === item.name);
    if (interfaces.findIndex(({ name }) => name === item.name) !== index) causes.push(fault(`${at}.name`, `"${item.name}" is there twice`));
    if (!network) causes.push(fault(`${at}.name`, `there is no network "${item.name}"`));
    if (item.state === 'absent' && !item.bridge) causes.push(fault(`${at}.state`, 'absent is for interfaces with bridge: {}'));
    causes.push(...checkBinding(item, network, at), ...checkPorts(item, at));
    if (item.acpiIndex !== undefined && interfaces.findIndex(({ acpiIndex }) => acpiIndex === item.acpiIndex) !== index) causes.push(fault(`${at}.acpiIndex`, `${item.acpiIndex} is there twice`));
    const same = item.macAddress?.replaceAll('-', ':').toLowerCase();
    if (same !== undefined && Number.parseInt(same.slice(0, 2), 16) % 2 === 1) causes.push(fault(`${at}.macAddress`, 'it is the address of a group, not of a card'));
    if (same !== undefined && interfaces.findIndex(({ macAddress }) => macAddress?.replaceAll('-', ':').toLowerCase() === same) !== index) causes.push(fault(`${at}.macAddress`, 'it is there twice'));
  });
  networks.forEach((network, index) => {
    const at = `${path}.networks[${index}]`;
    if (networks.findIndex(({ name }) => name === network.name) !== index) causes.push(fault(`${at}.name`, `"${network.name}" is there twice`));
    if ((network.pod === undefined) === (network.multus === undefined)) causes.push(fault(at, 'it is either pod or multus'));
    if (network.pod !== undefined && networks.findIndex(({ pod }) => pod !== undefined) !== index) causes.push(fault(at, 'a machine is on the pod network once'));
    if (!interfaces.some(({ name }) => name === network.name)) causes.push(fault(`${at}.name`, `there is no interface "${network.name}"`));
    causes.push(...checkCidr(network, at), ...checkIpv6(network, at));
  });
  return causes;
}

function checkBinding(item: Interface, network: Network | undefined, at: string): StatusCause[] {
  const given = [item.masquerade, item.bridge, item.binding].filter((binding) => binding !== undefined);
  if (given.length !== 1) return [fault(at, 'it needs one binding: masquerade on the pod network, bridge or binding on a multus network')];
  if (network?.pod !== undefined && !item.masquerade) return [fault(at, 'the pod network is reached with masquerade: {} here')];
  if (network?.multus !== undefined && item.masquerade) return [fault(`${at}.masquerade`, 'masquerade is for the pod network: use bridge: {}')];
  return [];
}

function checkPorts({ ports = [] }: Interface, at: string): StatusCause[] {
  return ports.flatMap(({ name, port, protocol = 'TCP' }, index) => {
    const twin = ports.findIndex((other) => (other.port === port && (other.protocol ?? 'TCP') === protocol) || (name !== undefined && other.name === name));
    return twin === index ? [] : [fault(`${at}.ports[${index}]`, 'it is there twice')];
  });
}

function checkIpv6({ pod }: Network, at: string): StatusCause[] {
  if (pod?.vmIPv6NetworkCIDR === undefined) return [];
  const [address = '', length, ...rest] = pod.vmIPv6NetworkCIDR.split('/');
  if (isIPv6(address) && !address.includes('%') && length === '64' && rest.length === 0) return [];
  return [fault(`${at}.pod.vmIPv6NetworkCIDR`, `"${pod.vmIPv6NetworkCIDR}" is no IPv6 network with a prefix of 64 bits, by which guests give themselves addresses`)];
}

function checkCidr({ pod }: Network, at: string): StatusCause[] {
  if (pod?.vmNetworkCIDR === undefined) return [];
  const [, a = '', b = '', c = '', d = '', length = ''] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(pod.vmNetworkCIDR) ?? [];
  const bytes = [a, b, c, d].map(Number);
  // QEMU's own servers have .2 and .3 of it, guests begin at .15.
  if (length !== '' && bytes.every((byte) => byte <= 255) && Number(length) >= 8 && Number(length) <= 27) return [];
  return [fault(`${at}.pod.vmNetworkCIDR`, `"${pod.vmNetworkCIDR}" is no IPv4 network with a prefix of 8 to 27 bits`)];
}
