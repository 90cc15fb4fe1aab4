/** The agent in a real Debian guest: what it tells, and that what it told is taken back when it goes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachineInstance } from '../../shared/kube/kubevirt.ts';
import type { VirtualMachineSnapshot } from '../../shared/kube/snapshot.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';

const instance = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/pear';
/** A Debian boots in half a minute under emulation on an idle computer, and this one may not be. */
const bootMs = 240_000;
let engine: RigEngine;
let keys: string;

const vmi = (): VirtualMachineInstance => JSON.parse(engine.kubectl(['get', 'vmi', 'pear', '-o', 'json'])) as VirtualMachineInstance;
const isConnected = (): boolean => vmi().status?.conditions?.some(({ type, status }) => type === 'AgentConnected' && status === 'True') ?? false;
const address = (): string | undefined => vmi().status?.interfaces?.[0]?.ipAddress;

const ssh = (command: string): string => {
  const port = (JSON.parse(engine.kubectl(['get', 'service', 'ssh', '-o', 'json'])) as { spec: { ports: { nodePort: number }[] } }).spec.ports[0]?.nodePort;
  return execFileSync('ssh', [
    '-i', join(keys, 'key'), '-p', String(port), '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
    '-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=10', 'ann@127.0.0.1', command,
  ], { encoding: 'utf8', stdio: 'pipe' }); // prettier-ignore
};

beforeAll(async () => {
  const image = rigImage('debian-disk');
  keys = mkdtempSync(join(tmpdir(), 'hayloft-keys-'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(keys, 'key')]);
  const user = { name: 'ann', sudo: 'ALL=(ALL) NOPASSWD:ALL', shell: '/bin/bash', ssh_authorized_keys: [readFileSync(join(keys, 'key.pub'), 'utf8').trim()] };
  engine = await startEngine();
  await uploadImage(engine, 'root', image, '3Gi');
  engine.kubectl(['apply', '-f', '-'], [
    stringify({
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachine',
      metadata: { name: 'pear' },
      spec: {
        runStrategy: 'Always',
        template: {
          metadata: { labels: { app: 'pear' } },
          spec: {
            terminationGracePeriodSeconds: 0,
            domain: {
              memory: { guest: '512Mi' },
              devices: {
                disks: [{ name: 'root', disk: { bus: 'virtio' } }, { name: 'seed', cdrom: { bus: 'sata' } }],
                interfaces: [{ name: 'default', masquerade: {} }],
              },
            },
            networks: [{ name: 'default', pod: {} }],
            volumes: [
              { name: 'root', dataVolume: { name: 'root' } },
              { name: 'seed', cloudInitNoCloud: { userData: `#cloud-config\n${stringify({ hostname: 'pear', users: [user] })}` } },
            ],
          },
        },
      },
    }),
    stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'ssh' }, spec: { type: 'NodePort', selector: { app: 'pear' }, ports: [{ port: 22 }] } }),
  ].join('---\n')); // prettier-ignore
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
    await until('a login by SSH', () => { try { return ssh('hostname').trim() === 'pear'; } catch { return false; } }, bootMs);
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
    expect((await engine.api('PUT', `${instance}/freeze`, { unfreezeTimeout: '0s' })).status).toBe(200);
    await until('it to be told', () => vmi().status?.fsFreezeStatus === 'frozen');
    ssh('(echo one >file && sync && touch /run/user/$(id -u)/one) >/dev/null 2>&1 &');
    expect(() => ssh('sleep 3; test -e /run/user/$(id -u)/one')).toThrow();
    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    await until('it to be known again', () => isConnected() && vmi().status?.fsFreezeStatus === 'frozen');
    // A guest under emulation may take longer than the agent is waited for.
    await until('the agent to thaw it', async () => (await engine.api('PUT', `${instance}/unfreeze`)).status === 200);
    await until('it to go on', () => vmi().status?.fsFreezeStatus === undefined);
    await until('the file to be written', () => { try { ssh('test -e /run/user/$(id -u)/one'); return true; } catch { return false; } });

    const asked = Date.now();
    expect((await engine.api('PUT', `${instance}/freeze`, { unfreezeTimeout: '8s' })).status).toBe(200);
    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    await until('it to go on by itself', () => isConnected() && vmi().status?.fsFreezeStatus === undefined);
    expect(Date.now() - asked).toBeGreaterThan(7000);
    ssh('echo two >file && sync');

    ssh('sudo mkdir -p /run/systemd/system/qemu-guest-agent.service.d && printf "[Service]\\nExecStart=\\nExecStart=/usr/sbin/qemu-ga -b guest-fsfreeze-freeze\\n" | sudo tee /run/systemd/system/qemu-guest-agent.service.d/no-freeze.conf');
    ssh('sudo systemctl daemon-reload && sudo systemctl restart qemu-guest-agent');
    await until('the agent to be back', isConnected);
    const refused = (await snapshots('refused')).status;
    expect(refused).toMatchObject({ readyToUse: false, indications: ['GuestAgent', 'Online', 'QuiesceFailed'] });
    expect(refused?.error?.message).toContain('Failed freezing the file systems of the guest');
    ssh('sudo rm -r /run/systemd/system/qemu-guest-agent.service.d && sudo systemctl daemon-reload && sudo systemctl restart qemu-guest-agent');
    await until('the snapshot to succeed', () => engine.kubectl(['get', 'vmsnapshot', 'refused', '-o', 'jsonpath={.status.phase}']) === 'Succeeded');
    // Taken with the agent, or while it was away.
    expect((await snapshots('refused')).status?.indications).toContain('QuiesceFailed');
    await until('the agent to be back', isConnected);
    ssh('echo three >file && sync');
  }, 600_000);

  it('tells host name, file systems and users when asked, and lets its user in by SSH', async () => {
    await until('a login by SSH', () => { try { return ssh('hostname').trim() === 'pear'; } catch { return false; } }, bootMs);
    const info = await until('the agent to answer', async () => {
      const answer = await engine.api('GET', `${instance}/guestosinfo`);
      return answer.status === 200 && answer.json<Record<string, unknown>>();
    });
    expect(info).toMatchObject({ hostname: 'pear', os: { id: 'debian' }, guestAgentVersion: expect.stringMatching(/^7\./) as string });
    const { items } = (await engine.api('GET', `${instance}/filesystemlist`)).json<{ items: { mountPoint: string; totalBytes: number; usedBytes: number }[] }>();
    const root = items.find(({ mountPoint }) => mountPoint === '/');
    expect(root?.totalBytes).toBeGreaterThan(2.5 * 2 ** 30);
    expect(root?.usedBytes).toBeGreaterThan(2 ** 28);
    expect((await engine.api('GET', `${instance}/userlist`)).json()).toMatchObject({ items: [] });

    ssh('sudo systemctl stop qemu-guest-agent');
    await until('the agent to be gone', () => !isConnected());
    expect(vmi().status?.interfaces?.[0]).toMatchObject({ name: 'default', infoSource: 'domain' });
    expect(vmi().status?.guestOSInfo).toEqual({});
    ssh('sudo systemctl start qemu-guest-agent');
    await until('the agent to be back', () => isConnected() && address() === '10.0.2.15');
  }, 600_000);
});
