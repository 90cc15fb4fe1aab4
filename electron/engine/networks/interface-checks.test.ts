import { describe, expect, it } from 'vitest';
import type { Interface, Network } from '#shared/kube/kubevirt.ts';
import { checkNetworks } from './interface-checks.ts';

const fields = (interfaces: Interface[], networks: Network[]): (string | undefined)[] =>
  checkNetworks({ domain: { devices: { interfaces } }, networks }, 'spec').map(({ field }) => field);
const pod: Network = { name: 'default', pod: {} };
const lab: Network = { name: 'lab', multus: { networkName: 'lab' } };
const nat: Interface = { name: 'default', masquerade: {} };
const port: Interface = { name: 'lab', bridge: {} };

describe('interfaces and networks', () => {
  it('belong together by name', () => {
    expect(fields([nat, port], [pod, lab])).toEqual([]);
    expect(fields([nat], [])).toContain('spec.domain.devices.interfaces[0].name');
    expect(fields([], [pod])).toContain('spec.networks[0].name');
  });

  it('fit in their binding', () => {
    expect(fields([{ name: 'default', bridge: {} }], [pod])).toEqual(['spec.domain.devices.interfaces[0]']);
    expect(fields([{ name: 'lab', masquerade: {} }], [lab])).toEqual(['spec.domain.devices.interfaces[0].masquerade']);
    expect(fields([{ name: 'lab' }], [lab])).toEqual(['spec.domain.devices.interfaces[0]']);
    expect(fields([nat], [{ name: 'default' }])).toEqual(['spec.networks[0]']);
    expect(fields([nat, { name: 'second', masquerade: {} }], [pod, { name: 'second', pod: {} }])).toEqual(['spec.networks[1]']);
  });

  it('have addresses that a card can have, once each', () => {
    expect(fields([{ ...nat, macAddress: '01:00:5e:00:00:01' }], [pod])).toEqual(['spec.domain.devices.interfaces[0].macAddress']);
    const twice = [{ ...nat, macAddress: '52:54:00:00:00:0a' }, { ...port, macAddress: '52-54-00-00-00-0A' }];
    expect(fields(twice, [pod, lab])).toEqual(['spec.domain.devices.interfaces[1].macAddress']);
    expect(fields([{ ...nat, ports: [{ port: 80 }, { port: 80, protocol: 'UDP' }, { port: 80 }] }], [pod])).toEqual(['spec.domain.devices.interfaces[0].ports[2]']);
  });

  it('have indexes of their own', () => {
    expect(fields([{ ...nat, acpiIndex: 3 }, { ...port, acpiIndex: 4 }], [pod, lab])).toEqual([]);
    expect(fields([{ ...nat, acpiIndex: 3 }, { ...port, acpiIndex: 3 }], [pod, lab])).toEqual(['spec.domain.devices.interfaces[1].acpiIndex']);
  });

  it.each([['fd07:a::/64', true], ['fd07:a::/120', false], ['fd07:a::', false], ['fd07:a::%eth0/64', false], ['10.1.0.0/64', false]])('have an IPv6 network %s: %s', (vmIPv6NetworkCIDR, right) => {
    expect(fields([nat], [{ name: 'default', pod: { vmIPv6NetworkCIDR } }])).toEqual(right ? [] : ['spec.networks[0].pod.vmIPv6NetworkCIDR']);
  });

  it.each([['10.1.0.0/16', true], ['10.1.0.0/28', false], ['10.1.0.256/24', false], ['fd00::/64', false]])('have a network %s: %s', (vmNetworkCIDR, right) => {
    expect(fields([nat], [{ name: 'default', pod: { vmNetworkCIDR } }])).toEqual(right ? [] : ['spec.networks[0].pod.vmNetworkCIDR']);
  });
});
