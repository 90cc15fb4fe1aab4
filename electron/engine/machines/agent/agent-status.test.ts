import { describe, expect, it } from 'vitest';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { GuestAgent } from '../../qemu/agent/types.ts';
import { askFileSystems, askInterfaces, askSystem } from './questions.ts';
import { describeAgent } from './status.ts';

const saying = (answer: unknown): GuestAgent => ({ connected: true, command: () => Promise.resolve(answer), onChange: () => () => undefined });

describe('what an agent says', () => {
  it('is addresses by card, IPv4 first, without the loopback', async () => {
    const answer = [
      { name: 'lo', 'hardware-address': '00:00:00:00:00:00', 'ip-addresses': [{ 'ip-address': '127.0.0.1', 'ip-address-type': 'ipv4' }] },
      {
        name: 'enp1s0',
        'hardware-address': '52:54:00:AA:00:01',
        'ip-addresses': [{ 'ip-address': 'fe80::1', 'ip-address-type': 'ipv6' }, { 'ip-address': '10.0.2.15', 'ip-address-type': 'ipv4' }],
      },
    ]; // prettier-ignore
    expect(await askInterfaces(saying(answer))).toEqual([{ name: 'enp1s0', mac: '52:54:00:aa:00:01', addresses: ['10.0.2.15', 'fe80::1'] }]);
  });

  it('is left out where it is of another shape, and cut where it is long', async () => {
    for (const odd of [null, 7, 'x', {}, [null, 3, { name: 4, 'ip-addresses': 'no' }]]) expect(await askInterfaces(saying(odd))).toEqual([]);
    expect(await askSystem(saying({ name: { a: 1 }, id: 'x'.repeat(10_000) }))).toEqual({ id: 'x'.repeat(256) });
    expect(await askFileSystems(saying([{ 'used-bytes': 'many', mountpoint: '/' }]))).toMatchObject([{ mountPoint: '/', usedBytes: 0 }]);
  });

  it('joins what QEMU knows by the card’s address, and is taken back when the agent goes', () => {
    const status: NonNullable<VirtualMachineInstance['status']> = {
      interfaces: [{ name: 'default', mac: '52:54:00:aa:00:01', infoSource: 'domain' }],
    };
    const interfaces = [
      { name: 'enp1s0', mac: '52:54:00:aa:00:01', addresses: ['10.0.2.15'] },
      { name: 'docker0', mac: '02:42:00:00:00:01', addresses: ['172.17.0.1'] },
    ];
    describeAgent(status, { system: { id: 'debian' }, interfaces }, 'now');
    expect(status).toMatchObject({
      guestOSInfo: { id: 'debian' },
      conditions: [{ type: 'AgentConnected', status: 'True' }],
      interfaces: [
        { name: 'default', interfaceName: 'enp1s0', ipAddress: '10.0.2.15', infoSource: 'domain, guest-agent' },
        { interfaceName: 'docker0', ipAddress: '172.17.0.1', infoSource: 'guest-agent' },
      ],
    });
    describeAgent(status, undefined, 'later');
    expect(status).toMatchObject({ guestOSInfo: {}, conditions: [] });
  });
});
