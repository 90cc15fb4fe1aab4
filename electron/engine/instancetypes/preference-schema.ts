/** The schema of a preference: fields of a machine's template, each under the name by which a preference gives it. */
import { boolean, integer, map, object, quantity, string, unsupported, type Schema } from '../api/schema.ts';
import { features } from '../machines/definitions/features.ts';
import { bus, clock, devices, diskSchema, empty } from '../machines/definitions/instance-spec.ts';

const feature = (name: string): Schema => features.properties[name] ?? empty;
const disk = (name: string): Schema => diskSchema.properties[name] ?? empty;
const device = (name: string): Schema => devices.properties[name] ?? empty;
const timing = (name: string): Schema => clock.properties[name] ?? empty;
const queues = 'QEMU chooses';

const topology = string({
  enum: ['sockets', 'cores', 'threads', 'spread', 'any', 'preferSockets', 'preferCores', 'preferThreads', 'preferSpread', 'preferAny'],
  description: 'What an instancetype’s processors become; sockets when not given.',
});

const preferredDevices = object({
  preferredAutoattachGraphicsDevice: boolean(),
  preferredAutoattachInputDevice: boolean(),
  preferredAutoattachMemBalloon: boolean(),
  preferredAutoattachPodInterface: boolean(),
  preferredAutoattachSerialConsole: boolean(),
  preferredBlockMultiQueue: boolean(),
  preferredCdromBus: bus,
  preferredDisableHotplug: boolean(),
  preferredDiskBlockSize: disk('blockSize'),
  preferredDiskBus: bus,
  preferredDiskCache: disk('cache'),
  preferredDiskDedicatedIoThread: boolean({ description: 'For disks on virtio.' }),
  preferredDiskIO: disk('io'),
  preferredInputBus: string({ enum: ['usb', 'virtio'] }),
  preferredInputType: string({ enum: ['tablet', 'keyboard'] }),
  preferredInterfaceMasquerade: unsupported('an interface names how it is bound'),
  preferredInterfaceModel: string({ enum: ['virtio', 'e1000', 'e1000e', 'rtl8139', 'pcnet', 'ne2k_pci'] }),
  preferredLunBus: unsupported('SCSI devices of the host are not handed to guests here'),
  preferredNetworkInterfaceMultiQueue: unsupported(queues),
  preferredPanicDeviceModel: unsupported('name panicDevices in the template'),
  preferredRng: device('rng'),
  preferredSoundModel: unsupported('there is nobody to hear it'),
  preferredTPM: device('tpm'),
  preferredUseVirtioTransitional: unsupported('devices are modern virtio'),
  preferredVideoType: string({ enum: ['vga', 'virtio', 'bochs', 'cirrus', 'ramfb'] }),
  preferredVirtualGPUOptions: unsupported('devices of the host are not handed to guests here'),
});

const architecture = string({ enum: ['amd64'] });

export const preferenceSpec = object({
  annotations: map(string(), { description: 'Of the instance.' }),
  clock: object({
    preferredClockOffset: object({ utc: timing('utc'), timezone: timing('timezone') }),
    preferredTimer: timing('timer'),
  }),
  cpu: object({
    preferredCPUTopology: topology,
    spreadOptions: object({
      across: string({ enum: ['SocketsCores', 'CoresThreads', 'SocketsCoresThreads'] }),
      ratio: integer({ minimum: 1 }),
    }),
    preferredCPUFeatures: unsupported('name a model that has them'),
  }),
  preferSpreadSocketToCoreRatio: integer({ minimum: 1, description: 'The older place of cpu.spreadOptions.ratio.' }),
  devices: preferredDevices,
  features: object({
    preferredAcpi: feature('acpi'),
    preferredApic: feature('apic'),
    preferredHyperv: feature('hyperv'),
    preferredKvm: feature('kvm'),
    preferredSmm: feature('smm'),
    preferredPvspinlock: unsupported(queues),
  }),
  firmware: object({
    preferredEfi: object({ secureBoot: boolean(), persistent: boolean() }),
    preferredUseBios: boolean(),
    preferredUseBiosSerial: unsupported('firmware shows itself on the screen'),
    preferredUseEfi: boolean({ description: 'The older way of saying preferredEfi.' }),
    preferredUseSecureBoot: boolean({ description: 'Goes with preferredUseEfi.' }),
  }),
  machine: object({ preferredMachineType: string({ pattern: '(pc|q35|pc-[\\w.-]+)' }) }),
  preferredArchitecture: architecture,
  preferredLaunchSecurity: unsupported('memory is not encrypted'),
  preferredSubdomain: unsupported('there is no DNS for machines'),
  preferredTerminationGracePeriodSeconds: integer({ minimum: 0 }),
  requirements: object({
    architecture,
    cpu: object({ guest: integer({ minimum: 1 }) }, { required: ['guest'] }),
    memory: object({ guest: quantity() }, { required: ['guest'] }),
  }),
  volumes: object({ preferredStorageClassName: unsupported('name the class in dataVolumeTemplates') }),
});
