/** What a Debian guest goes through: its disk grows and another comes, its keys change, it is brought back from a snapshot and gets a twin. */
import { expect, it } from 'vitest';
import type { VirtualMachine, VirtualMachineInstance } from '../../../shared/kube/kubevirt.ts';
import type { VirtualMachineSnapshot } from '../../../shared/kube/snapshot.ts';
import { debianUserData, makeKeyPair, ssh, sshService, type KeyPair } from '../../rig/debian-machine.ts';
import type { RigEngine } from '../../rig/engine.ts';
import { until } from '../../rig/until.ts';
import { bootMs, secret, type DebianGuest } from './debian-guest.ts';

const kubevirt = '/apis/kubevirt.io/v1/namespaces/default';
const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default';
/** For what the guest does while it does other things, too. */
const guestMs = 600_000;

export function itsLife(guest: DebianGuest): void {
  const instance = async (name = 'pear'): Promise<Partial<VirtualMachineInstance>> => (await guest.engine.api('GET', `${kubevirt}/virtualmachineinstances/${name}`)).json();
  const machine = async (name = 'pear'): Promise<VirtualMachine> => (await guest.engine.api('GET', `${kubevirt}/virtualmachines/${name}`)).json();
  const act = (name: string, action: string, body?: object): ReturnType<RigEngine['api']> => guest.engine.api('PUT', `${actions}/virtualmachines/${name}/${action}`, body);
  const access = async (): Promise<{ status: string; message: string | undefined } | undefined> => {
    const found = (await instance()).status?.conditions?.find(({ type }) => type === 'AccessCredentialsSynchronized');
    return found && { status: found.status, message: found.message };
  };

  it('has the host name, the user and the key of its user-data, and is entered by SSH through the port forward', async () => {
    await guest.letsIn();
    expect(await guest.run('sudo id -un')).toBe('root');
    await until('its address to be told', async () => (await instance()).status?.interfaces?.[0]?.ipAddress === '10.0.2.15');
  }, guestMs);

  it('sees its disk grow and another one come while it runs', async () => {
    guest.engine.kubectl(['patch', 'pvc', 'root', '-p', '{"spec":{"resources":{"requests":{"storage":"4Gi"}}}}']);
    await until('the larger disk', async () => (await guest.run('lsblk -bdno SIZE /dev/vda')) === String(4 * 2 ** 30));
    await guest.run('sudo growpart /dev/vda 2 && sudo resize2fs /dev/vda2');
    expect(Number(await guest.run('df -B1 --output=size / | tail -1'))).toBeGreaterThan(3.5 * 2 ** 30);

    guest.apply({
      apiVersion: 'cdi.kubevirt.io/v1beta1',
      kind: 'DataVolume',
      metadata: { name: 'extra' },
      spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '64Mi' } } } },
    });
    const answer = await act('pear', 'addvolume', { name: 'extra', disk: { disk: { bus: 'scsi' }, serial: 'EXTRA' }, volumeSource: { dataVolume: { name: 'extra' } } });
    expect(answer.status).toBe(202);
    await until('the disk to be seen', async () => (await guest.run('lsblk -bdno SIZE,SERIAL')).includes(`${64 * 2 ** 20} EXTRA`));
    await guest.run('echo precious >precious && echo hay | sudo dd of=/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_EXTRA conv=sync status=none && sync');
  }, guestMs);

  it('takes keys and passwords from Secrets through its agent, and follows them', async () => {
    const login = (by: KeyPair): Promise<string> => ssh(guest.port, by, 'id -un', 'root').catch(() => 'refused');
    await until('the key of the Secret', async () => (await login(guest.spare)) === 'root');
    expect(await login(guest.key)).toBe('refused');
    expect(await access()).toEqual({ status: 'True', message: undefined });
    const fits = (password: string): Promise<string> => guest.run(`sudo perl -e '$h = (getpwnam("ann"))[1]; print crypt("${password}", $h) eq $h ? "yes" : "no"'`);
    expect([await fits('hay in the loft'), await fits('straw')]).toEqual(['yes', 'no']);

    const next = makeKeyPair(guest.keys, 'next');
    guest.apply(secret('keys', { first: next.line }), secret('passwords', { ann: 'straw', nobody_here: 'x' }));
    await until('the failure to be told', async () => /user \[nobody_here\]/.test((await access())?.message ?? ''));
    expect(guest.engine.kubectl(['describe', 'vmi', 'pear'])).toMatch(/Warning\s+AccessCredentialsSyncFailed/);
    expect([await login(next), await login(guest.spare), await fits('straw')]).toEqual(['root', 'refused', 'yes']);
  }, guestMs);

  it('comes back from a snapshot with the file that was lost since, and so does its twin, from UEFI and with a TPM', async () => {
    guest.apply({
      apiVersion: 'snapshot.kubevirt.io/v1beta1',
      kind: 'VirtualMachineSnapshot',
      metadata: { name: 'before' },
      spec: { source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'pear' } },
    });
    guest.engine.kubectl(['wait', '--for=condition=Ready', 'vmsnapshot/before', '--timeout=60s']);
    const { status } = (await guest.engine.api('GET', '/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinesnapshots/before')).json<VirtualMachineSnapshot>();
    expect(status).toMatchObject({ phase: 'Succeeded', snapshotVolumes: { includedVolumes: ['root', 'extra'] } });
    await guest.run('rm precious && sync');
    expect(await guest.run('ls')).toBe('');

    // Its agent reboots it: the power button would let it shut down first, and the reset then be QEMU's.
    expect((await guest.engine.api('PUT', `${actions}/virtualmachineinstances/pear/softreboot`)).status).toBe(200);
    await until('the guest to reboot by itself', () => guest.engine.kubectl(['get', 'events', '--field-selector=reason=Rebooted', '-o', 'name']) !== '', bootMs);
    await act('pear', 'stop', { gracePeriod: 0 });
    await until('it to be off', async () => (await machine()).status?.printableStatus === 'Stopped');
    guest.apply({
      apiVersion: 'snapshot.kubevirt.io/v1beta1',
      kind: 'VirtualMachineRestore',
      metadata: { name: 'back' },
      spec: { target: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'pear' }, virtualMachineSnapshotName: 'before' },
    });
    guest.engine.kubectl(['wait', '--for=condition=Ready', 'vmrestore/back', '--timeout=60s']);

    const template = '/spec/template/spec';
    const seed = (await machine()).spec.template.spec.volumes?.findIndex(({ name }) => name === 'seed');
    const patches = [
      { op: 'replace', path: '/spec/template/metadata/labels/app', value: 'plum' },
      { op: 'replace', path: `${template}/volumes/${seed}/cloudInitNoCloud/userData`, value: debianUserData('plum', guest.key) },
      { op: 'add', path: `${template}/domain/firmware`, value: { bootloader: { efi: { secureBoot: false } } } },
      { op: 'add', path: `${template}/domain/devices/tpm`, value: {} },
    ];
    guest.apply(sshService('plum'), {
      apiVersion: 'clone.kubevirt.io/v1beta1',
      kind: 'VirtualMachineClone',
      metadata: { name: 'twin' },
      spec: {
        source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'pear' },
        target: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'plum' },
        patches: patches.map((patch) => JSON.stringify(patch)),
      },
    });
    await until('the twin', async () => (await machine('plum')).status?.printableStatus === 'Stopped');
    await Promise.all([act('pear', 'start'), act('plum', 'start')]);
    const other = await guest.portOf('plum');
    await Promise.all([guest.letsIn(guest.port, 'pear'), guest.letsIn(other, 'plum')]);

    const disk = 'sudo head -c 3 /dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_EXTRA';
    for (const at of [guest.port, other]) expect(await ssh(at, guest.key, `cat precious && ${disk}`)).toBe('precious\nhay');
    expect(await ssh(other, guest.key, 'test -d /sys/firmware/efi && cat /sys/class/tpm/tpm0/tpm_version_major')).toBe('2');
    const identity = "cat /sys/class/net/en*/address && sudo cat /sys/class/dmi/id/product_uuid && cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub";
    const [mine, its] = await Promise.all([guest.run(identity), ssh(other, guest.key, identity)]);
    // Card, board and SSH's own key: nobody would take one for the other.
    for (const [index, line] of mine.split('\n').entries()) expect(its.split('\n')[index]).not.toBe(line);
    expect(mine.split('\n')[0]).toBe((await instance('pear')).status?.interfaces?.[0]?.mac);
    expect(its.split('\n')[0]).toBe((await instance('plum')).status?.interfaces?.[0]?.mac);
  }, guestMs);
}
