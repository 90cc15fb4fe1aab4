/** What a machine's definition asks for, seen from inside real guests. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachineInstance } from '../../shared/kube/kubevirt.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell, openSerialLine } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { processesWith, qemuProcesses } from '../rig/processes.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { machineWith, rootDisk, type MachineParts } from './samples.ts';

let engine: RigEngine;

const apply = (object: object): string => engine.kubectl(['apply', '-f', '-'], stringify(object));
const instance = async (name: string): Promise<Partial<VirtualMachineInstance>> =>
  (await engine.api('GET', `/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/${name}`)).json();
const secret = (name: string, stringData: Record<string, string>): object => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData });

const root = rootDisk();
const isReady = (name: string): string => engine.kubectl(['wait', '--for=condition=Ready', `vm/${name}`, '--timeout=30s']);

beforeAll(async () => {
  engine = await startEngine();
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
  await uploadImage(engine, 'ipxe', rigImage('ipxe-iso'), '16Mi');
});

afterAll(() => engine.destroy());

/** What the guest has shown on its serial line, from the beginning. */
async function serialLine(name: string): Promise<() => string> {
  const line = await openSerialLine(engine, name);
  return () => line.screen();
}

const boots = (name: string, change: MachineParts & { efi: object }): object => {
  const { efi, ...rest } = change;
  return machineWith(name, {
    ...rest,
    domain: { firmware: { bootloader: { efi } }, ...rest.domain },
    disks: [{ name: 'cd', cdrom: { bus: 'sata' } }],
    volumes: [{ name: 'cd', dataVolume: { name: 'ipxe' } }],
  });
};
const kept = (): string[] => (existsSync(join(engine.dataDir, 'firmware')) ? readdirSync(join(engine.dataDir, 'firmware')) : []);
const uidOf = (kind: string, name: string): string => engine.kubectl(['get', kind, name, '-o', 'jsonpath={.metadata.uid}']);
const remove = (name: string): string => engine.kubectl(['delete', 'vm', name, '--timeout=30s']);

describe('UEFI firmware', () => {
  it('starts what is on the disc, and keeps its variables from one life to the next where asked to', async () => {
    apply(boots('uefi', { efi: { secureBoot: false, persistent: true } }));
    isReady('uefi');
    const line = await serialLine('uefi');
    await until('the firmware to start the disc', () => /BdsDxe: starting Boot\w+/.test(line()), 90_000);
    const file = `${uidOf('vm', 'uefi')}.fd`;
    expect(kept()).toEqual([file]);
    await engine.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/uefi/stop', { gracePeriod: 0 });
    await until('it to be gone', () => engine.kubectl(['get', 'vmi', '--ignore-not-found']) === '');
    const written = readFileSync(join(engine.dataDir, 'firmware', file));
    expect(written.equals(readFileSync('/usr/share/OVMF/OVMF_VARS_4M.fd'))).toBe(false);
    await engine.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/uefi/start');
    isReady('uefi');
    expect(kept()).toEqual([file]);
    remove('uefi');
    expect(kept()).toEqual([]);
  });

  it('with secure boot does not start what nobody signed', async () => {
    expect(() => apply(boots('secure', { efi: {} }))).toThrow(/spec.template.spec.domain.features: .*SecureBoot requires SMM/);
    apply(boots('secure', { efi: {}, domain: { features: { smm: {} } } }));
    isReady('secure');
    const line = await serialLine('secure');
    await until('the firmware to refuse it', () => line().includes('Access Denied'), 90_000);
    expect(line()).not.toContain('starting Boot0001');
    remove('secure');
  });
});

describe('a TPM', () => {
  const tpms = (uid: string): number[] => processesWith('swtpm', uid);

  it('is seen by the guest, outlives the engine, and ends with the guest', async () => {
    apply(machineWith('trusted', { domain: { devices: { tpm: { persistent: true } } }, disks: [root.disk], volumes: [root.volume] }));
    isReady('trusted');
    const uid = uidOf('vmi', 'trusted');
    const [before] = tpms(uid);
    expect(before).toBeDefined();
    const shell = await openGuestShell(engine, 'trusted');
    expect(await shell.run('cat /sys/class/tpm/tpm0/tpm_version_major')).toBe('2');
    shell.close();

    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    isReady('trusted');
    expect(tpms(uid)).toEqual([before]);
    await engine.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/trusted/stop', { gracePeriod: 0 });
    await until('the TPM to end', () => tpms(uid).length === 0);
    const folder = `${uidOf('vm', 'trusted')}.tpm`;
    expect(kept()).toEqual([folder]);
    expect(readdirSync(join(engine.dataDir, 'firmware', folder))).toContain('tpm2-00.permall');
    remove('trusted');
    expect(kept()).toEqual([]);
  });
});

describe('features and clock', () => {
  it('are taken by QEMU, all of them', async () => {
    const features = {
      ...{ acpi: {}, apic: {}, smm: {}, kvm: { hidden: true } },
      hyperv: {
        ...{ relaxed: {}, vapic: {}, spinlocks: { spinlocks: 8191 }, vpindex: {}, runtime: {}, synic: {}, synictimer: { direct: {} }, reset: {} },
        ...{ vendorid: { vendorid: 'loft' }, frequencies: {}, tlbflush: { direct: {}, extended: {} }, ipi: {} },
      },
    };
    const clock = { timezone: 'Europe/Vienna', timer: { hpet: { present: false }, pit: { tickPolicy: 'delay' }, rtc: { tickPolicy: 'catchup' }, kvm: { present: false }, hyperv: {} } };
    apply(machineWith('windows', { domain: { features, clock, chassis: { manufacturer: 'Loft', sku: '1' } }, disks: [root.disk], volumes: [root.volume] }));
    isReady('windows');
    const shell = await openGuestShell(engine, 'windows');
    expect(await shell.run('cat /sys/class/dmi/id/chassis_vendor')).toBe('Loft');
    const shown = Date.parse(`${(await shell.run('cat /sys/class/rtc/rtc0/date /sys/class/rtc/rtc0/time')).replace(/\s+/, 'T')}Z`);
    const aheadMinutes = Math.round((shown - Date.now()) / 60_000);
    expect([60, 120]).toContain(aheadMinutes);
    shell.close();
    remove('windows');
  });
});

describe('devices', () => {
  it('are there in the guest as they were asked for', async () => {
    const devices = {
      blockMultiQueue: true,
      video: { type: 'virtio' },
      watchdog: { name: 'dog', i6300esb: { action: 'poweroff' } },
      inputs: [{ name: 'keys', type: 'keyboard', bus: 'virtio' }, { name: 'pointer', type: 'tablet', bus: 'virtio' }],
    };
    const data = { name: 'data', disk: { bus: 'virtio' }, serial: 'LOFT-1', cache: 'none', io: 'native', dedicatedIOThread: true, errorPolicy: 'report', blockSize: { custom: { logical: 4096, physical: 4096 } } };
    apply(
      machineWith('rich', {
        domain: { ioThreadsPolicy: 'auto', cpu: { cores: 1, sockets: 2 }, devices },
        disks: [root.disk, data, { name: 'spare', disk: { bus: 'scsi' }, errorPolicy: 'stop' }],
        volumes: [root.volume, { name: 'data', emptyDisk: { capacity: '16Mi' } }, { name: 'spare', emptyDisk: { capacity: '16Mi' } }],
      }),
    );
    isReady('rich');
    const [qemu] = qemuProcesses(uidOf('vmi', 'rich'));
    const tasks = `/proc/${qemu?.pid ?? 0}/task`;
    const names = readdirSync(tasks).map((task) => readFileSync(join(tasks, task, 'comm'), 'utf8').trim());
    expect(names.filter((name) => name.startsWith('IO io')).sort()).toEqual(['IO io0', 'IO io1']);
    const shell = await openGuestShell(engine, 'rich');
    expect(await shell.run('nproc')).toBe('2');
    expect(await shell.run('cat /sys/block/vdb/queue/logical_block_size /sys/block/vdb/serial')).toMatch(/^4096\s+LOFT-1$/);
    expect(await shell.run('ls /sys/block/vda/mq | wc -l')).toBe('2');
    const cards = await shell.run('cat /sys/bus/pci/devices/*/device');
    // The watchdog, and virtio's screen and input.
    for (const card of ['0x25ab', '0x1050', '0x1052']) expect(cards.split(/\s+/)).toContain(card);
    shell.close();
    remove('rich');
  });

  it('are of a processor with the features that were asked for', async () => {
    const features = [{ name: 'aes', policy: 'disable' }, { name: 'sse4.2', policy: 'require' }, { name: 'lahf_lm', policy: 'optional' }];
    apply(machineWith('brain', { domain: { cpu: { model: 'Westmere', features }, machine: { type: 'pc-q35-5.2' } }, disks: [root.disk], volumes: [root.volume] }));
    isReady('brain');
    const shell = await openGuestShell(engine, 'brain');
    const flags = (await shell.run('grep -m1 ^flags /proc/cpuinfo')).split(/\s+/);
    expect(flags).toContain('sse4_2');
    expect(flags).not.toContain('aes');
    expect(await shell.run('grep -m1 "^model name" /proc/cpuinfo')).toContain('Westmere');
    shell.close();
    remove('brain');
  });

  it.each([
    ['a processor that there is not', { disks: [root.disk], domain: { cpu: { model: 'Abacus' } } }, 'domain.cpu.model'],
    ['a board that there is not', { disks: [root.disk], domain: { machine: { type: 'pc-q35-rhel9.4.0' } } }, 'domain.machine.type'],
    ['a feature that nothing has', { disks: [root.disk], domain: { cpu: { features: [{ name: 'telepathy' }] } } }, 'cpu.features[0].name'],
    ['a forbidden feature that is there', { disks: [root.disk], domain: { cpu: { features: [{ name: 'sse2', policy: 'forbid' }] } } }, 'cpu.features[0]'],
    ['native I/O with a cache', { disks: [{ name: 'root', io: 'native' }] }, 'disks[0].io'],
    ['sectors that are none', { disks: [{ name: 'root', blockSize: { custom: { logical: 1000, physical: 4096 } } }] }, 'blockSize.custom.logical'],
    ['a thread for a disk on sata', { disks: [{ name: 'root', disk: { bus: 'sata' }, dedicatedIOThread: true }] }, 'disks[0].dedicatedIOThread'],
    ['a SATA disk that cannot be written', { disks: [{ name: 'root', disk: { bus: 'sata', readonly: true } }] }, 'disks[0].disk.readonly'],
    ['an open tray of a drive without one', { disks: [{ name: 'root', cdrom: { bus: 'scsi', tray: 'open' } }] }, 'disks[0].cdrom.tray'],
    ['an IPv6 network that guests cannot use', { disks: [root.disk], spec: { networks: [{ name: 'default', pod: { vmIPv6NetworkCIDR: 'fd00::/120' } }] } }, 'networks[0].pod.vmIPv6NetworkCIDR'],
    ['a CD that can be written', { disks: [{ name: 'root', cdrom: { readonly: false } }] }, 'cdrom.readonly'],
    ['a screen on a machine without one', { disks: [root.disk], domain: { devices: { video: { type: 'vga' }, autoattachGraphicsDevice: false } } }, 'devices.video'],
    ['sound', { disks: [root.disk], domain: { devices: { sound: { name: 's' } } } }, 'devices.sound'],
    ['a time zone that is none', { disks: [root.disk], domain: { clock: { timezone: 'Loft/Attic' } } }, 'clock.timezone'],
  ])('refuse %s by its path', (_what, change, words) => {
    expect(() => apply(machineWith('refused', { volumes: [root.volume], ...change }))).toThrow(words);
  });
});

describe('a network card', () => {
  it('has its index, its IPv6 network, and a cable that is plugged in while the machine runs', async () => {
    const interfaces = [{ name: 'default', masquerade: {}, acpiIndex: 7, state: 'down' }];
    apply(
      machineWith('cabled', {
        domain: { devices: { interfaces } },
        disks: [root.disk],
        volumes: [root.volume],
        spec: { networks: [{ name: 'default', pod: { vmNetworkCIDR: '10.7.0.0/24', vmIPv6NetworkCIDR: 'fd07:a::/64' } }] },
      }),
    );
    isReady('cabled');
    const shell = await openGuestShell(engine, 'cabled');
    expect(await shell.run('cat /sys/class/net/eth0/carrier /sys/class/net/eth0/device/../acpi_index')).toMatch(/^0\s+7$/);
    expect((await instance('cabled')).status?.interfaces?.[0]?.linkState).toBe('down');

    const say = (state: string): string =>
      engine.kubectl(['patch', 'vm', 'cabled', '--type=json', '-p', JSON.stringify([{ op: 'add', path: '/spec/template/spec/domain/devices/interfaces/0/state', value: state }])]);
    say('up');
    await until('the link to be up', async () => (await shell.run('cat /sys/class/net/eth0/carrier')) === '1');
    await until('an address of its own network', async () => (await shell.run('ip addr show dev eth0')).includes('inet6 fd07:a::'), 30_000);
    await until('an IPv4 address', async () => (await shell.run('ip addr show dev eth0')).includes('inet 10.7.0.15/24'), 30_000);
    expect((await instance('cabled')).status?.interfaces?.[0]?.linkState).toBe('up');
    expect(engine.kubectl(['get', 'vm', 'cabled', '-o', 'jsonpath={.status.conditions[*].type}'])).not.toContain('RestartRequired');

    say('down');
    await until('the link to be down', async () => (await shell.run('cat /sys/class/net/eth0/carrier')) === '0');
    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    shell.close();
    say('up');
    const again = await openGuestShell(engine, 'cabled');
    await until('the link to be up again', async () => (await again.run('cat /sys/class/net/eth0/carrier')) === '1');
    again.close();
    remove('cabled');
  });
});

describe('discs with settings', () => {
  it('are waited for where their Secret is missing, are read by the guest, and are gone with it', async () => {
    apply(
      machineWith('seeded', {
        disks: [root.disk, { name: 'seed', disk: { bus: 'virtio' } }],
        volumes: [root.volume, { name: 'seed', cloudInitNoCloud: { secretRef: { name: 'user' } } }],
        spec: {
          hostname: 'shop',
          accessCredentials: [{ sshPublicKey: { source: { secret: { secretName: 'keys' } }, propagationMethod: { noCloud: {} } } }],
        },
      }),
    );
    await until('it to say what it waits for', async () =>
      (await instance('seeded')).status?.conditions?.some(({ message }) => message === 'The Secret user does not exist.') === true);
    expect((await instance('seeded')).status?.phase).toBe('Pending');
    apply(secret('user', { userdata: '#cloud-config\nusers: [{name: guest}]\n' }));
    apply(secret('keys', { first: 'ssh-ed25519 AAAA first' }));
    isReady('seeded');

    const { metadata } = await instance('seeded');
    const [qemu] = qemuProcesses(metadata?.uid ?? '');
    expect(JSON.stringify(qemu)).not.toContain('cloud-config');
    const shell = await openGuestShell(engine, 'seeded');
    await shell.run('mkdir -p /tmp/seed && mount -t iso9660 -o ro /dev/vdb /tmp/seed');
    expect(await shell.run('cat /tmp/seed/user-data')).toBe('#cloud-config\nusers: [{name: guest}]');
    expect(JSON.parse(await shell.run('cat /tmp/seed/meta-data'))).toMatchObject({ 'local-hostname': 'shop', 'public-keys': { 0: 'ssh-ed25519 AAAA first' } });
    engine.kubectl(['delete', 'vm', 'seeded', '--timeout=30s']);
    expect(readdirSync(join(engine.dataDir, 'run'))).toEqual([]);
  });
});
