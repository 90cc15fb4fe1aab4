import { describe, expect, it } from 'vitest';
import { ConfigFault, parseConfig } from './config.ts';

const parse = (config: object): unknown => parseConfig(JSON.stringify(config));
function fieldOf(config: object | string): string {
  try {
    parseConfig(typeof config === 'string' ? config : JSON.stringify(config));
    return 'nothing';
  } catch (error) {
    if (error instanceof ConfigFault) return error.field;
    throw error;
  }
}

describe('the configuration of a network', () => {
  it('is read as Harvester and Multus write it', () => {
    expect(parse({ cniVersion: '0.3.1', name: 'lab', type: 'bridge', bridge: 'mgmt-br', promiscMode: true, vlan: 100, ipam: {} })).toEqual({ type: 'bridge', bridge: 'mgmt-br', vlan: 100 });
    expect(parse({ type: 'cnv-bridge', bridge: 'br0', vlan: 0, macspoofchk: false })).toEqual({ type: 'bridge', bridge: 'br0' });
    expect(parse({ type: 'macvtap', master: 'eth0', mode: 'vepa', mtu: 1400 })).toEqual({ type: 'macvtap', lower: 'eth0', mode: 'vepa', mtu: 1400 });
    expect(parse({ name: 'lab', plugins: [{ type: 'bridge', bridge: 'br0' }] })).toEqual({ type: 'bridge', bridge: 'br0' });
  });

  it.each<[object | string, string]>([
    ['{', ''],
    [[], ''],
    [{ type: 'ovs' }, 'type'],
    [{ type: 'bridge' }, 'bridge'],
    [{ type: 'bridge', bridge: 'a; reboot' }, 'bridge'],
    [{ type: 'bridge', bridge: 'br0', vlan: 4095 }, 'vlan'],
    [{ type: 'bridge', bridge: 'br0', vlanTrunk: [] }, 'vlanTrunk'],
    [{ type: 'bridge', bridge: 'br0', isGateway: true }, 'isGateway'],
    [{ type: 'bridge', bridge: 'br0', ipam: { type: 'host-local' } }, 'ipam'],
    [{ type: 'macvtap', master: 'eth0', mode: 'open' }, 'mode'],
    [{ type: 'macvtap', master: 'eth0', vlan: 1 }, 'vlan'],
    [{ plugins: [{ type: 'bridge', bridge: 'br0' }, { type: 'tuning' }] }, 'plugins'],
  ])('%j is refused at "%s"', (config, field) => {
    expect(fieldOf(config)).toBe(field);
  });
});
