/** The agent in a real Debian guest: what it tells, and that what it told is taken back when it goes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachineInstance } from '../../shared/kube/kubevirt.ts';
import type { VirtualMachineSnapshot } from '../../shared/kube/snapshot.ts';
import { debianMachine, debianUserData, makeKeyPair, ssh, sshService, type KeyPair } from '../rig/debian-machine.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { startProgram } from '../rig/process.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';

const instance = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/pear';
/** A Debian boots in half a minute under emulation on an idle computer, and this one may not be. */
const bootMs = 240_000;
let engine: RigEngine;
let keys: string;
let key: KeyPair;
let port: number;

const vmi = (): VirtualMachineInstance => JSON.parse(engine.kubectl(['get', 'vmi', 'pear', '-o', 'json'])) as VirtualMachineInstance;
const isConnected = (): boolean => vmi().status?.conditions?.some(({ type, status }) => type === 'AgentConnected' && status === 'True') ?? false;
const address = (): string | undefined => vmi().status?.interfaces?.[0]?.ipAddress;
const run = (command: string): Promise<string> => ssh(port, key, command);
const succeeds = (command: string): Promise<boolean> => run(command).then(() => true, () => false);
/** What is answered when the agent is asked to do or tell something, which it is expected to. */
const ask = async <T>(method: 'GET' | 'PUT', subresource: string, body?: object): Promise<T> => {
  const { status, text } = await engine.api(method, `${instance}/${subresource}`, body);
  expect(status, text).toBe(200);
  return (text === '' ? undefined : JSON.parse(text)) as T;
};
const letsIn = (): Promise<unknown> => until('a login by SSH', () => succeeds('test "$(hostname)" = pear'), bootMs);

beforeAll(async () => {
  const image = rigImage('debian-disk');
  keys = mkdtempSync(join(tmpdir(), 'hayloft-keys-'));
  key = makeKeyPair(keys);
  engine = await startEngine();
  await uploadImage(engine, 'root', image, '3Gi');
  const objects = [debianMachine('pear', 'root', debianUserData('pear', key)), sshService('pear')];
  engine.kubectl(['apply', '-f', '-'], objects.map((object) => stringify(object)).join('---\n'));
  const service = (await engine.api('GET', '/api/v1/namespaces/default/services/pear')).json<{ spec: { ports: { nodePort: number }[] } }>();
  port = service.spec.ports[0]?.nodePort ?? 0;
  engine.kubectl(['wait', '--for=condition=Ready', 'vm/pear', '--timeout=30s']);
}, 600_000);

afterAll(async () => {
  await engine.destroy();
  rmSync(keys, { recursive: true });
});

describe('the agent in a Debian guest', () => {
  it('is missed in KubeVirt’s words as long as it does not answer', async () => {
    for (const name of ['guestosinfo', 'userlist', 'filesystemlist']) {
      const answer = await engine.api('GET', `${instance}/${name}`);
      expect([answer.status, answer.json<{ message: string }>().message]).toEqual([500, 'VMI does not have guest agent connected']);
    }
  });

  it('tells the system and its addresses on the VMI, found again by another engine', async () => {
    await until('the agent to be connected', isConnected, bootMs);
    await until('an address', () => address() !== undefined, bootMs);
    const { interfaces, guestOSInfo } = vmi().status ?? {};
    expect(interfaces).toMatchObject([{ name: 'default', interfaceName: expect.stringMatching(/^en/) as string, infoSource: 'domain, guest-agent', linkState: 'up' }]);
    expect(interfaces?.[0]?.ipAddress).toBe('10.0.2.15');
    expect(guestOSInfo).toMatchObject({ id: 'debian', versionId: '12', machine: 'x86_64' });

    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    await until('the agent to be known again', () => isConnected() && address() === '10.0.2.15');
  }, 600_000);

  it('holds the file systems still for a snapshot, and for whoever asks, also over a kill of the engine', async () => {
    await letsIn();
    const snapshots = (name: string): Promise<VirtualMachineSnapshot> => {
      engine.kubectl(['apply', '-f', '-'], stringify({
        apiVersion: 'snapshot.kubevirt.io/v1beta1', kind: 'VirtualMachineSnapshot', metadata: { name },
        spec: { source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'pear' } },
      })); // prettier-ignore
      return until('the snapshot to say how it was taken', () => {
        const snapshot = JSON.parse(engine.kubectl(['get', 'vmsnapshot', name, '-o', 'json'])) as VirtualMachineSnapshot;
        return snapshot.status?.indications && snapshot;
      });
    };
    expect((await snapshots('still')).status).toMatchObject({ phase: 'Succeeded', indications: ['GuestAgent', 'Online'] });
    expect(vmi().status?.fsFreezeStatus).toBeUndefined();

    for (const body of [{}, { unfreezeTimeout: 5 }, { unfreezeTimeout: '5m', more: true }]) {
      expect((await engine.api('PUT', `${instance}/freeze`, body)).status).toBe(400);
    }
    await ask('PUT', 'freeze', { unfreezeTimeout: '0s' });
    await until('it to be told', () => vmi().status?.fsFreezeStatus === 'frozen');
    await run('(echo one >file && sync && touch /dev/shm/one) >/dev/null 2>&1 &');
    expect(await succeeds('sleep 3; test -e /dev/shm/one')).toBe(false);
    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    await until('it to be known again', () => isConnected() && vmi().status?.fsFreezeStatus === 'frozen');
    await ask('PUT', 'unfreeze');
    await until('it to go on', () => vmi().status?.fsFreezeStatus === undefined);
    await until('the file to be written', () => succeeds('test -e /dev/shm/one'));

    const asked = Date.now();
    await ask('PUT', 'freeze', { unfreezeTimeout: '8s' });
    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    await until('it to go on by itself', () => isConnected() && vmi().status?.fsFreezeStatus === undefined);
    expect(Date.now() - asked).toBeGreaterThan(7000);
    await run('echo two >file && sync');

    await run('sudo mkdir -p /run/systemd/system/qemu-guest-agent.service.d && printf "[Service]\\nExecStart=\\nExecStart=/usr/sbin/qemu-ga -b guest-fsfreeze-freeze\\n" | sudo tee /run/systemd/system/qemu-guest-agent.service.d/no-freeze.conf');
    await run('sudo systemctl daemon-reload && sudo systemctl restart qemu-guest-agent');
    await until('the agent to be back', isConnected);
    const refused = (await snapshots('refused')).status;
    expect(refused).toMatchObject({ readyToUse: false, indications: ['GuestAgent', 'Online', 'QuiesceFailed'] });
    expect(refused?.error?.message).toContain('Failed freezing the file systems of the guest');
    // It is tried again after a pause each time: what is told of a failure must not set off the next try.
    const changes = startProgram('kubectl', ['--kubeconfig', engine.kubeconfig, 'get', 'vmsnapshot', 'refused', '--watch-only', '-o', 'name']);
    await run('sleep 4');
    await changes.stop();
    expect(changes.output().split('\n').length).toBeLessThan(12);
    await run('sudo rm -r /run/systemd/system/qemu-guest-agent.service.d && sudo systemctl daemon-reload && sudo systemctl restart qemu-guest-agent');
    await until('the snapshot to succeed', () => engine.kubectl(['get', 'vmsnapshot', 'refused', '-o', 'jsonpath={.status.phase}']) === 'Succeeded');
    // Taken with the agent, or while it was away.
    expect((await snapshots('refused')).status?.indications).toContain('QuiesceFailed');
    await until('the agent to be back', isConnected);
    await run('echo three >file && sync');
  }, 600_000);

  it('tells host name, file systems and users when asked, and lets its user in by SSH', async () => {
    await letsIn();
    expect(await ask('GET', 'guestosinfo')).toMatchObject({ hostname: 'pear', os: { id: 'debian' }, guestAgentVersion: expect.stringMatching(/^7\./) as string });
    const { items } = await ask<{ items: { mountPoint: string; totalBytes: number; usedBytes: number }[] }>('GET', 'filesystemlist');
    const root = items.find(({ mountPoint }) => mountPoint === '/');
    expect(root?.totalBytes).toBeGreaterThan(2.5 * 2 ** 30);
    expect(root?.usedBytes).toBeGreaterThan(2 ** 28);
    expect(await ask('GET', 'userlist')).toMatchObject({ items: [] });

    await run('sudo systemctl stop qemu-guest-agent');
    await until('the agent to be gone', () => !isConnected());
    expect(vmi().status?.interfaces?.[0]).toMatchObject({ name: 'default', infoSource: 'domain' });
    expect(vmi().status?.guestOSInfo).toEqual({});
    await run('sudo systemctl start qemu-guest-agent');
    await until('the agent to be back', () => isConnected() && address() === '10.0.2.15');
  }, 600_000);
});
