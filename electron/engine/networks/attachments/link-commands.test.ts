import { describe, expect, it } from 'vitest';
import { parseConfig, type BridgeNetwork, type MacvtapNetwork } from './config.ts';
import { macvtapCommands, tapCommands } from './link-commands.ts';

const bridge = (config: object): BridgeNetwork => parseConfig(JSON.stringify({ type: 'bridge', bridge: 'br0', ...config })) as BridgeNetwork;
const tap = (config: object): ReturnType<typeof tapCommands> => tapCommands({ device: 'hl0123', mark: 'hayloft a b', network: bridge(config), user: 107 });

describe('the commands for a guest on a bridge', () => {
  it('make a port of it, and leave VLANs alone where none is asked for', () => {
    expect(tap({ mtu: 9000 })).toEqual({
      make: ['tuntap add dev hl0123 mode tap user 107', 'link set dev hl0123 alias "hayloft a b"', 'link set dev hl0123 mtu 9000', 'link set dev hl0123 master br0'],
      up: ['link set dev hl0123 up'],
    });
    expect(tap({ vlan: 0 }).vlan).toBeUndefined();
  });

  it('put it into its VLAN, and out of the one it would be in, before it is up', () => {
    const { make, vlan } = tap({ vlan: 100 });
    expect(vlan).toEqual({ leave: ['vlan delete dev hl0123 vid 1'], join: ['vlan add dev hl0123 vid 100 pvid untagged'] });
    expect(make.some((line) => line.endsWith(' up'))).toBe(false);
  });
});

it('a macvtap has the guest’s own address', () => {
  const network = parseConfig(JSON.stringify({ type: 'macvtap', master: 'eth0' })) as MacvtapNetwork;
  expect(macvtapCommands({ device: 'hl0123', mark: 'hayloft a b', network, mac: '02:00:00:00:00:01' })).toEqual([
    'link add link eth0 name hl0123 address 02:00:00:00:00:01 type macvtap mode bridge',
    'link set dev hl0123 alias "hayloft a b"',
    'link set dev hl0123 up',
  ]);
});
