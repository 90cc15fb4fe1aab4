/** Which networks of this computer an instance asks for, found by its NetworkAttachmentDefinitions. */
import { asHayloftError, HayloftError } from '#shared/contract/hayloft-error.ts';
import type { Interface, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { HostLink } from '../../qemu/types.ts';
import type { Resources } from '../../store/resources.ts';
import { networkAttachmentDefinitions } from '../definitions/network-attachment-definition.ts';
import { parseConfig, type HostNetwork } from './config.ts';
import type { HostLinks } from './host-links.ts';

/** What a machine needs to be on networks of this computer. */
export interface Attachments {
  /**
   * @returns links by interface name, or why they cannot be had now, in words
   */
  attach(resources: Resources, vmi: VirtualMachineInstance): Promise<{ links: ReadonlyMap<string, HostLink> } | { waiting: string }>;
  /**
   * Makes the device of one interface, for a guest that runs.
   * @returns its name
   * @throws HayloftError why it cannot be had now
   */
  attachOne(resources: Resources, vmi: VirtualMachineInstance, item: Interface): Promise<string>;
  detachOne(vmi: VirtualMachineInstance, interfaceName: string): Promise<void>;
  /** Takes away what was made for a guest. */
  release(uid: string): Promise<void>;
}

export function createAttachments(links: HostLinks): Attachments {
  return {
    attach: async (resources, vmi) => {
      try {
        return { links: await links.attach(vmi, networksOf(resources, vmi)) };
      } catch (error) {
        const { message, hint } = asHayloftError(error);
        return { waiting: hint === undefined ? message : `${message} ${hint}` };
      }
    },
    attachOne: async (resources, vmi, item) => {
      const only = (vmi.spec.networks ?? []).filter(({ name }) => name === item.name);
      const network = networksOf(resources, { ...vmi, spec: { ...vmi.spec, networks: only } }).get(item.name);
      if (network?.type !== 'bridge') throw new HayloftError('bad-input', `The interface ${item.name} is on no network that a running machine could be put on.`);
      return links.attachOne(vmi, item.name, network);
    },
    detachOne: (vmi, interfaceName) => links.detachOne(vmi, interfaceName),
    release: (uid) => links.release(uid),
  };
}

/** @throws HayloftError */
function networksOf(resources: Resources, vmi: VirtualMachineInstance): Map<string, HostNetwork> {
  const found = new Map<string, HostNetwork>();
  for (const { name, multus } of vmi.spec.networks ?? []) {
    if (!multus) continue;
    const item = vmi.spec.domain.devices.interfaces?.find((candidate) => candidate.name === name);
    const [own, namespace = vmi.metadata.namespace ?? 'default'] = multus.networkName.split('/').reverse();
    const definition = resources.get(networkAttachmentDefinitions, namespace, own ?? '');
    const title = `${namespace}/${own ?? ''}`;
    if (!definition) throw new HayloftError('not-found', `There is no NetworkAttachmentDefinition ${title}.`, { retryable: true });
    const network = parseConfig(definition.spec.config);
    const binding = item?.bridge ? 'bridge' : item?.binding?.name;
    if (binding !== network.type) {
      const fit = network.type === 'bridge' ? 'bridge: {}' : 'binding: {name: macvtap}';
      throw new HayloftError('bad-input', `The interface ${name} has the binding ${binding ?? 'none'}, and the network ${title} is of type ${network.type}.`, { hint: `Use ${fit}.` });
    }
    found.set(name, network);
  }
  return found;
}
