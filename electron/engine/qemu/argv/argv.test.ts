import { describe, expect, it } from 'vitest';
import type { DomainSpec, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { DiskFile } from '../../disks/types.ts';
import type { HostLink } from '../types.ts';
import { qemuArguments, type ArgvInput } from './argv.ts';
import { option } from './options.ts';
import { guestPaths } from './paths.ts';

const file = (path: string): DiskFile => ({ path, format: 'qcow2', virtualSizeBytes: 1, allocatedBytes: 1 });

function vmi(domain: Partial<DomainSpec>, spec: object = {}): VirtualMachineInstance {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: { name: 'vm', namespace: 'default', uid: '2b6c4c0e-0000-4000-8000-000000000001' },
    spec: { domain: { memory: { guest: '1Gi' }, devices: {}, ...domain }, ...spec },
  };
}

function args(instance: VirtualMachineInstance, volumes: Record<string, DiskFile> = {}, rest: Partial<ArgvInput> = {}): string[] {
  return qemuArguments({
    vmi: instance,
    volumes: new Map(Object.entries(volumes)),
    accelerator: 'tcg',
    cpuModel: 'max',
    paths: guestPaths('/run/g'),
    firmware: undefined,
    now: new Date('2026-05-06T07:08:09Z'),
    ...rest,
  });
}

/** The values that follow a flag. */
const values = (argv: string[], flag: string): string[] => argv.filter((_, index) => argv[index - 1] === flag);
const device = (argv: string[], start: string): string | undefined =>
  values(argv, '-device').find((text) => text.startsWith(start));

describe('qemuArguments', () => {
  it('follows cpu topology and memory', () => {
    const argv = args(vmi({ cpu: { cores: 2, sockets: 2, threads: 1 }, memory: { guest: '1536Mi' } }));
    expect(values(argv, '-smp')).toEqual(['4,sockets=2,cores=2,threads=1']);
    expect(values(argv, '-m')).toEqual(['size=1536M']);
  });

  it('lets a guest tell a panic where asked to', () => {
    const argv = args(vmi({ devices: { panicDevices: [{}, { model: 'pvpanic' }] } }));
    expect(values(argv, '-device').filter((word) => word.startsWith('pvpanic'))).toEqual(['pvpanic', 'pvpanic-pci']);
    expect(device(args(vmi({})), 'pvpanic')).toBeUndefined();
  });

  it('puts each disk on its bus, in the order asked for', () => {
    const argv = args(
      vmi({
        devices: {
          disks: [
            { name: 'root', disk: { bus: 'virtio' }, bootOrder: 1 },
            { name: 'cd', cdrom: { bus: 'sata' }, bootOrder: 2 },
            { name: 'data', disk: { bus: 'scsi' }, serial: 'a,b' },
            { name: 'stick', disk: { bus: 'usb' } },
          ],
        },
      }),
      { root: file('/d/root'), cd: file('/d/cd'), data: file('/d/data'), stick: file('/d/stick') },
    );
    expect(device(argv, 'virtio-blk-pci')).toContain('bootindex=1');
    expect(device(argv, 'ide-cd')).toContain('bootindex=2,bus=sata0.0');
    expect(device(argv, 'scsi-hd')).toContain('serial=a,,b');
    expect(device(argv, 'usb-storage')).toContain('bus=usb0.0');
    const cd = values(argv, '-blockdev').map((text) => JSON.parse(text) as Record<string, unknown>)[1];
    expect(cd).toMatchObject({ 'read-only': true, file: { filename: '/d/cd' } });
  });

  it('opens a claim that is to be read only without a way to write', () => {
    const argv = args(vmi({ devices: { disks: [{ name: 'a' }] } }), { a: { ...file('/d/a'), readOnly: true } });
    expect(values(argv, '-blockdev').map((text) => JSON.parse(text) as unknown)).toMatchObject([{ 'read-only': true }]);
  });

  it('keeps places free for disks that come later, and leaves those to QMP', () => {
    const later = { volumes: [{ name: 'late', persistentVolumeClaim: { claimName: 'late', hotpluggable: true } }] };
    const disks = [{ name: 'late', disk: { bus: 'scsi' as const } }];
    const argv = args(vmi({ devices: { disks } }, later), { late: file('/d/late') });
    expect(values(argv, '-blockdev')).toEqual([]);
    expect(device(argv, 'scsi-hd')).toBeUndefined();
    expect(device(argv, 'virtio-scsi-pci')).toBe('virtio-scsi-pci,id=scsi0');
    const ports = (domain: Partial<DomainSpec>): number =>
      values(args(vmi(domain)), '-device').filter((text) => text.startsWith('pcie-root-port')).length;
    expect(ports({})).toBe(4);
    expect(ports({ machine: { type: 'pc' } })).toBe(0);
    expect(ports({ devices: { disableHotplug: true } })).toBe(0);
    expect(device(args(vmi({ devices: { disableHotplug: true } })), 'virtio-scsi-pci')).toBeUndefined();
  });

  it('gives an empty CD drive without a medium', () => {
    const argv = args(vmi({ devices: { disks: [{ name: 'cd', cdrom: {} }] } }));
    expect(device(argv, 'ide-cd')).not.toContain('drive=');
    expect(values(argv, '-blockdev')).toEqual([]);
  });

  it('boots disks in their order when none is named, and keeps names of disks and networks apart', () => {
    const devices = { disks: [{ name: 'default' }], interfaces: [{ name: 'default', masquerade: {} }] };
    const argv = args(vmi({ devices }, { networks: [{ name: 'default', pod: {} }] }), { default: file('/d') });
    expect(device(argv, 'virtio-blk-pci')).toContain('bootindex=1');
    expect(device(argv, 'virtio-net-pci')).not.toContain('bootindex');
  });

  it('gives a card the same address on every start, and another machine another', () => {
    const devices = { interfaces: [{ name: 'default', masquerade: {} }] };
    const [first, again] = [args(vmi({ devices })), args(vmi({ devices }))];
    expect(device(first, 'virtio-net-pci')).toBe(device(again, 'virtio-net-pci'));
    const other = vmi({ devices });
    other.metadata.name = 'other';
    expect(device(args(other), 'virtio-net-pci')).not.toBe(device(first, 'virtio-net-pci'));
    expect(device(first, 'virtio-net-pci')).toMatch(/mac=52:54:00:[0-9a-f:]{8}$/);
  });

  it('joins interfaces to networks of the computer, by name or by descriptor', () => {
    const devices = { interfaces: ['nat', 'lab', 'card'].map((name) => ({ name })) };
    const links = new Map<string, HostLink>([
      ['lab', { kind: 'tap', device: 'hl01' }],
      ['card', { kind: 'descriptor', descriptor: 17, close: () => undefined }],
    ]);
    const argv = args(vmi({ devices }, { networks: [{ name: 'nat', pod: { vmNetworkCIDR: '10.7.0.0/24' } }] }), {}, { links });
    expect(values(argv, '-netdev')).toEqual([
      'user,id=net-nat,net=10.7.0.0/24,hostname=vm',
      'tap,id=net-lab,ifname=hl01,script=no,downscript=no',
      'tap,id=net-card,fd=3',
    ]);
  });

  it('has neither screen nor serial line where they are turned off', () => {
    const devices = { autoattachGraphicsDevice: false, autoattachSerialConsole: false };
    const argv = args(vmi({ devices }));
    expect(argv).not.toContain('-vnc');
    expect(argv).not.toContain('-serial');
    expect(args(vmi({}))).toContain('-vnc');
  });

  it('starts with UEFI from a shared read-only code and variables of its own', () => {
    const domain = { firmware: { bootloader: { efi: { secureBoot: false } } } };
    const argv = args(vmi(domain), {}, { firmware: { code: '/fw/code.fd', variables: '/fw/vars.fd', ownVariables: '/run/g/vars.fd' } });
    expect(values(argv, '-drive')).toEqual([
      'if=pflash,format=raw,unit=0,readonly=on,file=/fw/code.fd',
      'if=pflash,format=raw,unit=1,readonly=off,file=/run/g/vars.fd',
    ]);
  });
});

describe('a network card', () => {
  const cards = (domain: Partial<DomainSpec>, pod: object = {}): string[] =>
    args(vmi({ ...domain, devices: { interfaces: [{ name: 'default', masquerade: {}, acpiIndex: 7 }] } }, { networks: [{ name: 'default', pod }] }));

  it('with an index is in a port of its own where the board’s bus is PCI Express', () => {
    const modern = cards({});
    expect(device(modern, 'pcie-root-port,id=port-default')).toBe('pcie-root-port,id=port-default,chassis=32,slot=32');
    expect(device(modern, 'virtio-net-pci')).toMatch(/bus=port-default,acpi-index=7$/);
    const old = cards({ machine: { type: 'pc' } });
    expect(device(old, 'pcie-root-port,id=port-default')).toBeUndefined();
    expect(device(old, 'virtio-net-pci')).toMatch(/[^t],acpi-index=7$/);
  });

  it('has the networks that were named', () => {
    expect(values(cards({}, { vmNetworkCIDR: '10.7.0.0/24', vmIPv6NetworkCIDR: 'fd07:a::/64' }), '-netdev')[0]).toMatch(/^user,id=net-default,net=10.7.0.0\/24,ipv6-net=fd07:a::\/64,/);
  });
});

describe('a machine’s board', () => {
  const firmware = { code: '/fw/code.fd', variables: '/fw/vars.fd', ownVariables: '/run/g/vars.fd' };

  it('keeps the variables of secure boot from the guest', () => {
    const domain = { firmware: { bootloader: { efi: {} } }, features: { smm: {} } };
    const argv = args(vmi(domain), {}, { firmware });
    expect(values(argv, '-machine')[0]).toContain('smm=on');
    expect(values(argv, '-global')).toContain('driver=cfi.pflash01,property=secure,value=on');
    expect(values(args(vmi({ firmware: { bootloader: { efi: { secureBoot: false } } } }), {}, { firmware }), '-global')).toEqual([]);
  });

  it('has a TPM where it is asked for and not turned off', () => {
    expect(device(args(vmi({ devices: { tpm: {} } })), 'tpm-crb')).toBe('tpm-crb,tpmdev=tpm0');
    expect(device(args(vmi({ devices: { tpm: { enabled: false } } })), 'tpm-crb')).toBeUndefined();
  });

  it('follows features and chassis', () => {
    const domain: Partial<DomainSpec> = {
      features: { acpi: { enabled: false }, kvm: { hidden: true }, hyperv: { relaxed: {}, spinlocks: {}, vendorid: { vendorid: 'loft' }, ipi: { enabled: false } } },
      chassis: { manufacturer: 'Oak, Inc' },
    };
    const argv = args(vmi(domain), {}, { accelerator: 'kvm' });
    expect(values(args(vmi(domain)), '-cpu')).toEqual(['max']);
    expect(values(argv, '-machine')[0]).toContain('acpi=off');
    expect(values(argv, '-cpu')).toEqual(['max,kvm=off,hv-relaxed=on,hv-spinlocks=4096,hv-vendor-id=loft']);
    expect(values(argv, '-smbios')).toEqual(['type=3,manufacturer=Oak,, Inc']);
  });

  it('shows the time that was asked for', () => {
    const rtc = (clock: DomainSpec['clock']): string | undefined => values(args(vmi(clock ? { clock } : {})), '-rtc')[0];
    expect(rtc(undefined)).toBe('base=utc,driftfix=slew');
    expect(rtc({ utc: { offsetSeconds: -60 } })).toBe('base=2026-05-06T07:07:09,driftfix=slew');
    expect(rtc({ timezone: 'Europe/Vienna', timer: { rtc: { track: 'guest', tickPolicy: 'delay' } } })).toBe('base=2026-05-06T09:08:09,clock=vm,driftfix=none');
  });
});

describe('a disk', () => {
  const disks = (change: object, domain: Partial<DomainSpec> = {}): string[] => {
    const names = ['a', 'b', 'c'];
    const list = names.map((name) => ({ name, ...(name === 'a' ? change : {}) }));
    return args(vmi({ ...domain, devices: { disks: list, ...domain.devices } }), Object.fromEntries(names.map((name) => [name, file(`/d/${name}`)])));
  };
  const threads = (argv: string[]): (string | undefined)[] =>
    values(argv, '-device').filter((text) => text.startsWith('virtio-blk')).map((text) => /iothread=(\w+)/.exec(text)?.[1]);

  it('is served by the threads that were asked for', () => {
    expect(threads(disks({}))).toEqual([undefined, undefined, undefined]);
    expect(threads(disks({ dedicatedIOThread: true }))).toEqual(['io1', 'io0', 'io0']);
    expect(threads(disks({}, { ioThreadsPolicy: 'shared' }))).toEqual(['io0', 'io0', 'io0']);
    expect(threads(disks({}, { ioThreadsPolicy: 'auto' }))).toEqual(['io0', 'io1', 'io0']);
    expect(threads(disks({}, { ioThreadsPolicy: 'auto', cpu: { cores: 2 } }))).toEqual(['io0', 'io1', 'io2']);
    expect(values(disks({ dedicatedIOThread: true }), '-object')).toEqual(['iothread,id=io1', 'iothread,id=io0']);
  });

  it('has its own way of reading, its sectors and its answer to errors', () => {
    const argv = disks({ io: 'native', cache: 'none', errorPolicy: 'stop', blockSize: { custom: { logical: 4096, physical: 8192 } } });
    expect(values(argv, '-blockdev')[0]).toContain('"aio":"native"');
    expect(device(argv, 'virtio-blk-pci')).toMatch(/werror=stop,rerror=stop,logical_block_size=4096,physical_block_size=8192/);
    expect(device(disks({ errorPolicy: 'enospace' }), 'virtio-blk-pci')).toContain('werror=enospc,rerror=report');
    expect(device(disks({}, { cpu: { cores: 3 }, devices: { blockMultiQueue: true } }), 'virtio-blk-pci')).toContain('num-queues=3');
  });
});

describe('what people use', () => {
  it('is a screen and a pointer, unless told otherwise', () => {
    const drivers = (devices: DomainSpec['devices']): string[] => values(args(vmi({ devices })), '-device').filter((text) => /VGA|vga|display|ramfb|tablet|kbd|keyboard/.test(text));
    expect(drivers({})).toEqual(['VGA', 'usb-tablet,bus=usb0.0']);
    expect(drivers({ video: { type: 'bochs' }, autoattachInputDevice: false })).toEqual(['bochs-display']);
    expect(drivers({ inputs: [{ name: 't', type: 'tablet', bus: 'virtio' }, { name: 'k', type: 'keyboard' }] })).toEqual(['VGA', 'virtio-tablet-pci', 'usb-kbd,bus=usb0.0']);
    expect(drivers({ autoattachGraphicsDevice: false })).toEqual([]);
  });

  it('may be watched over', () => {
    expect(values(args(vmi({ devices: { watchdog: { name: 'w', i6300esb: { action: 'poweroff' } } } })), '-action')).toContain('watchdog=poweroff');
  });
});

describe('processors', () => {
  it('have the features that were asked for, by QEMU’s names', () => {
    const offers = { machines: [], models: [], features: { 'lahf-lm': true, avx2: false, aes: true } };
    const features: NonNullable<DomainSpec['cpu']>['features'] = [
      ...[{ name: 'lahf_lm' }, { name: 'avx2', policy: 'optional' as const }, { name: 'aes', policy: 'disable' as const }],
      ...[{ name: 'x2apic', policy: 'force' as const }, { name: 'none-such', policy: 'forbid' as const }],
    ];
    expect(values(args(vmi({ cpu: { model: 'Nehalem', features } }), {}, { offers }), '-cpu')).toEqual(['Nehalem,lahf-lm=on,aes=off,x2apic=on']);
  });

  it('are as many as the resources name where nothing else does', () => {
    expect(values(args(vmi({ resources: { requests: { cpu: '1500m' } } })), '-smp')).toEqual(['2,sockets=2,cores=1,threads=1']);
    expect(values(args(vmi({ cpu: { cores: 3 }, resources: { limits: { cpu: 8 } } })), '-smp')).toEqual(['3,sockets=1,cores=3,threads=1']);
  });
});

describe('option', () => {
  it('doubles commas and leaves out what is undefined', () => {
    expect(option('a', { b: 'x,y', c: undefined, d: true, e: 0 })).toBe('a,b=x,,y,d=on,e=0');
  });
});
