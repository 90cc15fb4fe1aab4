/**
 * Devices by which guests are on networks of this computer: a tap that is a port of a bridge, or a macvtap on a card.
 * Each carries a mark that says whose it is, so that an engine that was killed finds what it left.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { Log } from '../../context.ts';
import { macAddress } from '../../qemu/argv/networks.ts';
import type { HostLink } from '../../qemu/types.ts';
import type { BridgeNetwork, HostNetwork, MacvtapNetwork } from './config.ts';
import { bridgeBatch, canFilterVlans, filtersVlans, hasDevice, ipBatch, isBridge, markedDevices, requireNetworkRights } from './ip.ts';
import { macvtapCommands, tapCommands } from './link-commands.ts';
import { openTap } from './tap-file.ts';

const prefix = 'hl';
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The device that joins a guest's interface to a network of this computer, if it is on one. @param uid the VMI's */
export const linkDevice = (uid: string, interfaceName: string): string => prefix + hash(`${uid} ${interfaceName}`).slice(0, 11);

/** Whether guests can be put on the network now. @throws HayloftError with what is missing, and what to do */
export function checkHostNetwork(network: HostNetwork): void {
  requireNetworkRights();
  if (network.type === 'bridge' && !isBridge(network.bridge)) {
    throw new HayloftError('not-found', `This computer has no bridge ${network.bridge}.`, {
      hint: `Make it (ip link add ${network.bridge} type bridge; ip link set ${network.bridge} up) and put a network card on it.`,
      retryable: true,
    });
  }
  if (network.type === 'bridge' && network.vlan !== undefined && !canFilterVlans(network.bridge)) {
    throw new HayloftError('unsupported', `The kernel of this computer was built without VLANs on bridges, so ${network.bridge} cannot tell them apart.`, {
      hint: `Make a bridge of its own for the VLAN, if the kernel has VLANs at all (modprobe 8021q; ip link add link CARD name CARD.${network.vlan} type vlan id ${network.vlan}; ip link set CARD.${network.vlan} up master BRIDGE) and name that, without vlan.`,
      retryable: true,
    });
  }
  if (network.type === 'bridge' && network.vlan !== undefined && !filtersVlans(network.bridge)) {
    // Turning it on would cut off whoever sends tagged frames through the bridge: that is not ours to do.
    throw new HayloftError('unsupported', `The bridge ${network.bridge} does not tell VLANs apart.`, {
      hint: `Let it (ip link set ${network.bridge} type bridge vlan_filtering 1) and give its network card the VLAN (bridge vlan add dev CARD vid ${network.vlan}).`,
      retryable: true,
    });
  }
  if (network.type === 'macvtap' && !hasDevice(network.lower)) {
    throw new HayloftError('not-found', `This computer has no network card ${network.lower}.`, { hint: 'Name one that "ip link" lists.', retryable: true });
  }
}

export class HostLinks {
  readonly #owner: string;
  readonly #log: Log;
  /** Guests whose devices were made by this very engine: they may not have a process yet. */
  readonly #new = new Set<string>();

  /** @param dataDir tells this engine's devices from another engine's */
  constructor(dataDir: string, log: Log) {
    this.#owner = `hayloft ${hash(dataDir).slice(0, 16)}`;
    this.#log = log;
  }

  /**
   * Makes a device for each interface on a network of this computer.
   * @param networks by interface name
   * @returns by interface name; descriptors in it are the caller's to close
   * @throws HayloftError; no device is left then
   */
  async attach(vmi: VirtualMachineInstance, networks: ReadonlyMap<string, HostNetwork>): Promise<Map<string, HostLink>> {
    const links = new Map<string, HostLink>();
    if (networks.size === 0) return links;
    this.#new.add(vmi.metadata.uid ?? '');
    try {
      for (const item of vmi.spec.domain.devices.interfaces ?? []) {
        const network = networks.get(item.name);
        if (!network) continue;
        checkHostNetwork(network);
        const uid = vmi.metadata.uid ?? '';
        const device = linkDevice(uid, item.name);
        // What a start that was cut off left.
        if (hasDevice(device)) await ipBatch([`link delete dev ${device}`]);
        const mark = `${this.#owner} ${uid}`;
        links.set(item.name, network.type === 'bridge' ? await addTap(device, mark, network) : await addMacvtap(device, mark, network, macAddress(vmi, item)));
      }
      return links;
    } catch (error) {
      closeLinks(links);
      await this.release(vmi.metadata.uid ?? '');
      throw error;
    }
  }

  /** Makes the device of one interface more. @returns its name. @throws HayloftError; it is not left then */
  async attachOne({ metadata }: VirtualMachineInstance, interfaceName: string, network: BridgeNetwork): Promise<string> {
    checkHostNetwork(network);
    const uid = metadata.uid ?? '';
    const device = linkDevice(uid, interfaceName);
    // What a plug that was cut off left.
    await this.#removeOne(device);
    try {
      await addTap(device, `${this.#owner} ${uid}`, network);
      return device;
    } catch (error) {
      await this.#removeOne(device);
      throw error;
    }
  }

  /** Removes the device of one interface. */
  detachOne({ metadata }: VirtualMachineInstance, interfaceName: string): Promise<void> {
    return this.#removeOne(linkDevice(metadata.uid ?? '', interfaceName));
  }

  async #removeOne(device: string): Promise<void> {
    if (hasDevice(device)) await ipBatch([`link delete dev ${device}`]);
  }

  /** Removes a guest's devices. */
  release(uid: string): Promise<void> {
    this.#new.delete(uid);
    return this.#remove((owner) => owner === uid);
  }

  /** Removes what belongs to guests that are not among these, left by an engine that was killed. */
  sweep(alive: ReadonlySet<string>): Promise<void> {
    return this.#remove((owner) => !alive.has(owner) && !this.#new.has(owner));
  }

  async #remove(belongs: (uid: string) => boolean): Promise<void> {
    if (!devices().some((name) => name.startsWith(prefix))) return;
    try {
      const begin = `${this.#owner} `;
      const found = (await markedDevices()).filter(({ mark }) => mark.startsWith(begin) && belongs(mark.slice(begin.length)));
      for (const { name } of found) await ipBatch([`link delete dev ${name}`]);
    } catch (error) {
      this.#log.warn('A network device that is not needed any more could not be removed', { error: String(error) });
    }
  }
}

/** Descriptors that were opened for a guest, once its process has them or will never be. */
export function closeLinks(links: ReadonlyMap<string, HostLink>): void {
  for (const link of links.values()) if (link.kind === 'descriptor') link.close();
}

async function addTap(device: string, mark: string, network: BridgeNetwork): Promise<HostLink> {
  const { make, vlan, up } = tapCommands({ device, mark, network, user: process.getuid?.() ?? 0 });
  await ipBatch(make);
  if (vlan) {
    // Where the bridge puts no port into a VLAN by itself there is none to leave.
    await bridgeBatch(vlan.leave).catch(() => undefined);
    await bridgeBatch(vlan.join);
  }
  await ipBatch(up);
  return { kind: 'tap', device };
}

async function addMacvtap(device: string, mark: string, network: MacvtapNetwork, mac: string): Promise<HostLink> {
  await ipBatch(macvtapCommands({ device, mark, network, mac }));
  return openTap(device);
}

/** Names of this computer's network devices; none where the system does not tell (no Linux, or no /sys in a chroot). */
function devices(): string[] {
  try {
    return readdirSync('/sys/class/net');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
