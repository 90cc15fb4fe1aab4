/** What the agent in a Debian guest tells, does for snapshots, and what is taken back when it goes. */
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachineInstance } from '../../../shared/kube/kubevirt.ts';
import type { VirtualMachineSnapshot } from '../../../shared/kube/snapshot.ts';
import { startProgram } from '../../rig/process.ts';
import { until } from '../../rig/until.ts';
import { bootMs, type DebianGuest } from './debian-guest.ts';

const instance = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/pear';

export function theAgent(guest: DebianGuest): void {
  const vmi = (): VirtualMachineInstance => JSON.parse(guest.engine.kubectl(['get', 'vmi', 'pear', '-o', 'json'])) as VirtualMachineInstance;
  const isConnected = (): boolean => vmi().status?.conditions?.some(({ type, status }) => type === 'AgentConnected' && status === 'True') ?? false;
  const address = (): string | undefined => vmi().status?.interfaces?.[0]?.ipAddress;
  /** What is answered when the agent is asked to do or tell something, which it is expected to. */
  const ask = async <T>(method: 'GET' | 'PUT', subresource: string, body?: object): Promise<T> => {
    const { status, text } = await guest.engine.api(method, `${instance}/${subresource}`, body);
    expect(status, text).toBe(200);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };

  it('is missed in KubeVirt’s words as long as it does not answer', async () => {
    for (const name of ['guestosinfo', 'userlist', 'filesystemlist']) {
      const answer = await guest.engine.api('GET', `${instance}/${name}`);
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

    await guest.killEngine();
    await until('the agent to be known again', () => isConnected() && address() === '10.0.2.15');
  }, 600_000);

  it('holds the file systems still for a snapshot, and for whoever asks, also over a kill of the engine', async () => {
    await guest.letsIn();
    const snapshots = (name: string): Promise<VirtualMachineSnapshot> => {
      guest.engine.kubectl(['apply', '-f', '-'], stringify({
        apiVersion: 'snapshot.kubevirt.io/v1beta1', kind: 'VirtualMachineSnapshot', metadata: { name },
        spec: { source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'pear' } },
      })); // prettier-ignore
      return until('the snapshot to say how it was taken', () => {
        const snapshot = JSON.parse(guest.engine.kubectl(['get', 'vmsnapshot', name, '-o', 'json'])) as VirtualMachineSnapshot;
        return snapshot.status?.indications && snapshot;
      });
    };
    expect((await snapshots('still')).status).toMatchObject({ phase: 'Succeeded', indications: ['GuestAgent', 'Online'] });
    expect(vmi().status?.fsFreezeStatus).toBeUndefined();

    for (const body of [{}, { unfreezeTimeout: 5 }, { unfreezeTimeout: '5m', more: true }]) {
      expect((await guest.engine.api('PUT', `${instance}/freeze`, body)).status).toBe(400);
    }
    await ask('PUT', 'freeze', { unfreezeTimeout: '0s' });
    await until('it to be told', () => vmi().status?.fsFreezeStatus === 'frozen');
    await guest.run('(echo one >file && sync && touch /dev/shm/one) >/dev/null 2>&1 &');
    expect(await guest.succeeds('sleep 3; test -e /dev/shm/one')).toBe(false);
    await guest.killEngine();
    await until('it to be known again', () => isConnected() && vmi().status?.fsFreezeStatus === 'frozen');
    await ask('PUT', 'unfreeze');
    await until('it to go on', () => vmi().status?.fsFreezeStatus === undefined);
    await until('the file to be written', () => guest.succeeds('test -e /dev/shm/one'));

    const asked = Date.now();
    await ask('PUT', 'freeze', { unfreezeTimeout: '8s' });
    await guest.killEngine();
    await until('it to go on by itself', () => isConnected() && vmi().status?.fsFreezeStatus === undefined);
    expect(Date.now() - asked).toBeGreaterThan(7000);
    await guest.run('echo two >file && sync');

    await guest.run('sudo mkdir -p /run/systemd/system/qemu-guest-agent.service.d && printf "[Service]\\nExecStart=\\nExecStart=/usr/sbin/qemu-ga -b guest-fsfreeze-freeze\\n" | sudo tee /run/systemd/system/qemu-guest-agent.service.d/no-freeze.conf');
    await guest.run('sudo systemctl daemon-reload && sudo systemctl restart qemu-guest-agent');
    await until('the agent to be back', isConnected);
    const refused = (await snapshots('refused')).status;
    expect(refused).toMatchObject({ readyToUse: false, indications: ['GuestAgent', 'Online', 'QuiesceFailed'] });
    expect(refused?.error?.message).toContain('Failed freezing the file systems of the guest');
    // It is tried again after a pause each time: what is told of a failure must not set off the next try.
    const changes = startProgram('kubectl', ['--kubeconfig', guest.engine.kubeconfig, 'get', 'vmsnapshot', 'refused', '--watch-only', '-o', 'name']);
    await guest.run('sleep 4');
    await changes.stop();
    expect(changes.output().split('\n').length).toBeLessThan(12);
    await guest.run('sudo rm -r /run/systemd/system/qemu-guest-agent.service.d && sudo systemctl daemon-reload && sudo systemctl restart qemu-guest-agent');
    await until('the snapshot to succeed', () => guest.engine.kubectl(['get', 'vmsnapshot', 'refused', '-o', 'jsonpath={.status.phase}']) === 'Succeeded');
    // Taken with the agent, or while it was away.
    expect((await snapshots('refused')).status?.indications).toContain('QuiesceFailed');
    await until('the agent to be back', isConnected);
    await guest.run('rm file && sync');
  }, 600_000);

  it('tells host name, file systems and users when asked, and lets its user in by SSH', async () => {
    await guest.letsIn();
    expect(await ask('GET', 'guestosinfo')).toMatchObject({ hostname: 'pear', os: { id: 'debian' }, guestAgentVersion: expect.stringMatching(/^7\./) as string });
    const { items } = await ask<{ items: { mountPoint: string; totalBytes: number; usedBytes: number }[] }>('GET', 'filesystemlist');
    const root = items.find(({ mountPoint }) => mountPoint === '/');
    expect(root?.totalBytes).toBeGreaterThan(2.5 * 2 ** 30);
    expect(root?.usedBytes).toBeGreaterThan(2 ** 28);
    expect(await ask('GET', 'userlist')).toMatchObject({ items: [] });

    await guest.run('sudo systemctl stop qemu-guest-agent');
    await until('the agent to be gone', () => !isConnected());
    expect(vmi().status?.interfaces?.[0]).toMatchObject({ name: 'default', infoSource: 'domain' });
    expect(vmi().status?.guestOSInfo).toEqual({});
    await guest.run('sudo systemctl start qemu-guest-agent');
    await until('the agent to be back', () => isConnected() && address() === '10.0.2.15');
  }, 600_000);
}
