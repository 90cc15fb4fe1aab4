/** Lines for iproute2's `ip -batch` and `bridge -batch` that make a guest's network device. Pure. */
import type { BridgeNetwork, MacvtapNetwork } from './config.ts';

interface Device {
  device: string;
  /** Says whose it is: the device's alias. */
  mark: string;
}

export interface TapCommands {
  /** `ip`: makes the tap, a port of the bridge, still down. */
  make: string[];
  /** `bridge`: moves the port from the VLAN that a bridge puts every port into, to its own. */
  vlan?: { leave: string[]; join: string[] };
  /** `ip`: only then do frames go, so that none is in another VLAN before. */
  up: string[];
}

/** @param user who may open the tap: the user id of the guest's process */
export function tapCommands({ device, mark, network, user }: Device & { network: BridgeNetwork; user: number }): TapCommands {
  const { bridge, vlan, mtu } = network;
  return {
    make: [
      `tuntap add dev ${device} mode tap user ${user}`,
      `link set dev ${device} alias "${mark}"`,
      ...(mtu === undefined ? [] : [`link set dev ${device} mtu ${mtu}`]),
      `link set dev ${device} master ${bridge}`,
    ],
    ...(vlan === undefined
      ? {}
      : { vlan: { leave: [`vlan delete dev ${device} vid 1`], join: [`vlan add dev ${device} vid ${vlan} pvid untagged`] } }),
    up: [`link set dev ${device} up`],
  };
}

/** @param mac the guest's: the card takes frames for this address only */
export function macvtapCommands({ device, mark, network, mac }: Device & { network: MacvtapNetwork; mac: string }): string[] {
  const { lower, mode, mtu } = network;
  return [
    `link add link ${lower} name ${device} address ${mac} type macvtap mode ${mode}`,
    `link set dev ${device} alias "${mark}"`,
    ...(mtu === undefined ? [] : [`link set dev ${device} mtu ${mtu}`]),
    `link set dev ${device} up`,
  ];
}
