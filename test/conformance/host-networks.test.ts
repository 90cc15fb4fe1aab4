/** Guests on networks of this computer: a bridge, a VLAN on it, and a macvtap. Real devices, made by the test and removed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachineInstance } from '../../shared/kube/kubevirt.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { machineWith, rootDisk } from './samples.ts';

// Names of devices are short; two runs must not meet.
const id = String(process.pid % 100_000);
const [bridge, plain, card, peer] = [`tb${id}`, `tp${id}`, `tc${id}`, `td${id}`];
const mayChangeNetworks = process.platform === 'linux' && process.getuid?.() === 0;
/** Not every kernel's bridges can. */
const filtersVlans = mayChangeNetworks && (() => {
  const name = `tv${id}`;
  const { status } = spawnSync('ip', ['link', 'add', name, 'type', 'bridge', 'vlan_filtering', '1']);
  if (status === 0) spawnSync('ip', ['link', 'delete', name]);
  return status === 0;
})();
/** What each guest is on, in the order of its cards. */
const networks = ['lab', 'card', ...(filtersVlans ? ['tagged'] : [])];
const addressOn = (network: string, host: number): string => `10.9${networks.indexOf(network)}.0.${host}`;
let engine: RigEngine;
const shells = new Map<string, GuestShell>();

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
const devices = (): string[] => readdirSync('/sys/class/net').filter((name) => /^hl[0-9a-f]{11}$/.test(name));
const apply = (object: object): string => engine.kubectl(['apply', '-f', '-'], stringify(object));
const definition = (name: string, config: object): object => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name },
  spec: { config: JSON.stringify({ cniVersion: '0.3.1', name, ...config }) },
});
const machine = (name: string, interfaces: object[], on: object[]): object => {
  const root = rootDisk(`root-${name}`);
  return machineWith(name, { domain: { devices: { interfaces } }, disks: [root.disk], volumes: [root.volume], spec: { networks: on } });
};
const instance = async (name: string): Promise<VirtualMachineInstance> =>
  (await engine.api('GET', `/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/${name}`)).json();
const onLab = (name: string): object =>
  machine(
    name,
    networks.map((network) => (network === 'card' ? { name: network, binding: { name: 'macvtap' } } : { name: network, bridge: {} })),
    networks.map((network) => ({ name: network, multus: { networkName: network === 'card' ? 'default/card' : network } })),
  );
const shell = (name: string): GuestShell => {
  const found = shells.get(name);
  if (!found) throw new Error(`Nobody is logged in to ${name}.`);
  return found;
};
const reaches = async (name: string, address: string): Promise<boolean> => {
  const text = await shell(name).run(`ping -c 1 -w 2 ${address} || true`);
  return text.includes(' 0% packet loss');
};

describe.runIf(mayChangeNetworks)('guests on networks of this computer', () => {
  beforeAll(async () => {
    ip('link', 'add', plain, 'type', 'bridge');
    ip('link', 'add', card, 'type', 'veth', 'peer', 'name', peer);
    for (const name of [plain, card, peer]) ip('link', 'set', name, 'up');
    engine = await startEngine();
    for (const name of ['one', 'two']) await uploadImage(engine, `root-${name}`, rigImage('shell-disk'), '64Mi');
    apply(definition('lab', { type: 'bridge', bridge, ipam: {} }));
    apply(definition('tagged', { type: 'bridge', bridge, vlan: 100, ipam: {} }));
    apply(definition('card', { type: 'macvtap', master: card, mode: 'bridge' }));
  });

  afterAll(async () => {
    for (const each of shells.values()) each.close();
    await engine.destroy();
    rmSync(engine.dataDir, { recursive: true, force: true });
    for (const name of [bridge, plain, card]) {
      if (readdirSync('/sys/class/net').includes(name)) ip('link', 'delete', name);
    }
  });

  it('wait for a bridge that is not there, and start once it is', async () => {
    for (const name of ['one', 'two']) apply(onLab(name));
    const message = await until('the reason to be told', async () => {
      const ready = (await instance('one')).status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.reason === 'NetworksNotReady' && ready.message;
    });
    expect(message).toContain(`no bridge ${bridge}`);
    expect(engine.kubectl(['get', 'net-attach-def', 'lab', '-o', 'wide'])).toMatch(/lab\s+false\s+.*has no bridge/);
    expect(devices()).toEqual([]);
    ip('link', 'add', bridge, 'type', 'bridge', ...(filtersVlans ? ['vlan_filtering', '1'] : []));
    ip('link', 'set', bridge, 'up');
    for (const name of ['one', 'two']) engine.kubectl(['wait', '--for=condition=Ready', `vm/${name}`, '--timeout=40s']);
    expect(devices()).toHaveLength(2 * networks.length);
  });

  it('exchange packets, each network apart from the others', async () => {
    for (const [index, name] of ['one', 'two'].entries()) {
      shells.set(name, await openGuestShell(engine, name));
      const set = networks.map((network, card) => `ip addr add ${addressOn(network, index + 1)}/24 dev eth${card}; ip link set eth${card} up`);
      // A guest would answer for all its addresses on each of its cards.
      await shell(name).run(`killall udhcpc; echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; ${set.join('; ')}`);
    }
    for (const network of networks) {
      await until(`an answer on ${network}`, () => reaches('one', addressOn(network, 2)), 20_000);
    }
    // What is on one network is not reached through the card on the other.
    await shell('one').run(`ip addr flush dev eth0; ip addr add ${addressOn('lab', 3)}/24 dev eth1`);
    expect(await reaches('one', addressOn('lab', 2))).toBe(false);
    await shell('one').run(`ip addr del ${addressOn('lab', 3)}/24 dev eth1; ip addr add ${addressOn('lab', 1)}/24 dev eth0`);
    expect(await reaches('one', addressOn('lab', 2))).toBe(true);
  });

  it('get a card while they run, and lose it again, without a restart', async () => {
    const change = (patch: object[]): string => engine.kubectl(['patch', 'vm', 'two', '--type=json', '-p', JSON.stringify(patch)]);
    const at = '/spec/template/spec';
    const before = devices().length;
    change([
      { op: 'add', path: `${at}/domain/devices/interfaces/-`, value: { name: 'more', bridge: {}, macAddress: '02:00:00:00:00:77' } },
      { op: 'add', path: `${at}/networks/-`, value: { name: 'more', multus: { networkName: 'lab' } } },
    ]);
    const cardOf = async (): Promise<string> => (await shell('two').run('grep -l 02:00:00:00:00:77 /sys/class/net/*/address || true')).split('/').at(-2) ?? '';
    const card = await until('the guest to see it', async () => (await cardOf()) || undefined, 20_000);
    expect((await instance('two')).status?.interfaces?.map(({ name }) => name)).toContain('more');
    expect(devices()).toHaveLength(before + 1);
    const restart = (): string => engine.kubectl(['get', 'vm', 'two', '-o', 'jsonpath={.status.conditions[?(@.type=="RestartRequired")].status}']);
    expect(restart()).toBe('');
    await shell('two').run(`ip addr add 10.88.0.2/24 dev ${card}; ip link set ${card} up; true`);
    await shell('one').run('ip addr add 10.88.0.1/24 dev eth0');
    await until('an answer over it', () => reaches('one', '10.88.0.2'), 20_000);
    const index = networks.length;
    change([{ op: 'add', path: `${at}/domain/devices/interfaces/${index}/state`, value: 'absent' }]);
    await until('it to be out of the guest', async () => (await cardOf()) === '', 20_000);
    await until('it to be out of the status and its device gone', async () => !(await instance('two')).status?.interfaces?.some(({ name }) => name === 'more') && devices().length === before, 20_000);
    expect(restart()).toBe('');
    // A card that was there at the start stands in no port.
    change([{ op: 'add', path: `${at}/domain/devices/interfaces/0/state`, value: 'absent' }]);
    await until('a restart to be asked for', () => restart() === 'True');
    change([
      { op: 'remove', path: `${at}/domain/devices/interfaces/0/state` },
      { op: 'remove', path: `${at}/domain/devices/interfaces/${index}` },
      { op: 'remove', path: `${at}/networks/${index}` },
    ]);
    await until('nothing to be asked for', () => restart() === '');
  });

  it.runIf(filtersVlans)('send frames with their VLAN’s tag into the bridge', () => {
    const tap = devices().find((name) => execFileSync('bridge', ['vlan', 'show', 'dev', name], { encoding: 'utf8' }).includes('100 PVID Egress Untagged'));
    expect(tap).toBeDefined();
  });

  it('keep their networks when the engine is killed, and leave no device behind when they end', async () => {
    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    shells.set('one', await openGuestShell(engine, 'one'));
    expect(await reaches('one', addressOn('card', 2))).toBe(true);
    engine.kubectl(['delete', 'vm', 'two', '--wait=true', '--timeout=30s']);
    await until('the devices of one guest to go', () => devices().length === networks.length);
    // Both are killed: nobody is there who could clear up but the next engine.
    const pids = execFileSync('pgrep', ['-f', (await instance('one')).metadata.uid ?? '-'], { encoding: 'utf8' }).trim().split('\n');
    engine.kubectl(['patch', 'vm', 'one', '--type=merge', '-p', '{"spec":{"runStrategy":"Manual"}}']);
    await engine.program.stop('SIGKILL');
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
    expect(devices()).toHaveLength(networks.length);
    engine = await startEngine({ dataDir: engine.dataDir });
    await until('the left-over devices to go', () => devices().length === 0);
  });

  it('are refused where nothing can be made of it', async () => {
    expect(() => apply(definition('wrong', { type: 'ovs', bridge }))).toThrow('spec.config.type');
    apply(definition('flat', { type: 'bridge', bridge: plain, vlan: 5 }));
    const why = filtersVlans ? 'vlan_filtering 1' : 'built without VLANs on bridges';
    await until('the reason to be told', () => engine.kubectl(['get', 'nad', 'flat', '-o', 'wide']).includes(why));
    expect(() => apply(machine('three', [{ name: 'lab', masquerade: {} }], [{ name: 'lab', multus: { networkName: 'lab' } }]))).toThrow('interfaces[0].masquerade');
  });
});
