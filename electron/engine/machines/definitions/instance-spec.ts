/** The schema of a machine's spec: what the engine honours of KubeVirt's, and what it refuses by name. */
import { any, array, boolean, integer, intOrString, map, object, quantity, string, unsupported, type Schema } from '../../api/schema.ts';
import { features } from './features.ts';
import { accessCredentials, seedSources } from '../seeds/schema.ts';

export const empty = object({});
/** Names become parts of paths and of QEMU's options: nothing but labels. */
const label = string({ pattern: '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?' });
const oneHost = 'the engine runs on one computer: there is nowhere else to place or move a machine';
const noPassthrough = 'devices of the host are not handed to guests here';
const natOnly = 'use masquerade on the pod network, bridge or binding on a multus network';
const own = 'use a dataVolume, a persistentVolumeClaim or an emptyDisk';
const ociImages = 'there is no container runtime here: upload the disk as an image and use a dataVolume';

export const bus = string({ enum: ['virtio', 'sata', 'scsi', 'usb'] });
const bootOrder = integer({ minimum: 1, description: 'Lower numbers are tried first; unique over disks and interfaces.' });

export const diskSchema = object(
  {
    name: { ...label, description: 'The volume of the same name is behind it.' },
    disk: object({ bus, readonly: boolean(), pciAddress: unsupported('addresses are given by the engine') }),
    cdrom: object({ bus, readonly: boolean(), tray: string({ enum: ['closed', 'open'], description: 'When open, the medium is read once the guest closes it.' }) }),
    lun: unsupported('SCSI devices of the host are not handed to guests here'),
    bootOrder,
    serial: string({ pattern: '[A-Za-z0-9_.+-]{0,256}' }),
    cache: string({ enum: ['none', 'writethrough', 'writeback'] }),
    io: string({ enum: ['native', 'threads', 'default'] }),
    dedicatedIOThread: boolean({ description: 'A thread of QEMU serves this disk alone.' }),
    blockSize: object({
      custom: object({ logical: integer(), physical: integer(), discardGranularity: integer({ minimum: 512 }) }, { required: ['logical', 'physical'] }),
      matchVolume: unsupported('volumes are files: name the sizes in custom'),
    }),
    shareable: unsupported('a disk belongs to one running machine at a time'),
    errorPolicy: string({
      enum: ['stop', 'ignore', 'report', 'enospace'],
      description: 'Without one, a machine is paused when the host’s disk is full, and told of other errors.',
    }),
    tag: unsupported('tags are for device metadata, which is not served'),
    changedBlockTracking: unsupported('changes are not tracked'),
  },
  { required: ['name'] },
);

const networkInterface = object(
  {
    name: label,
    masquerade: empty,
    model: string({ enum: ['virtio', 'e1000', 'e1000e', 'rtl8139', 'pcnet', 'ne2k_pci'] }),
    macAddress: string({ pattern: '([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}' }),
    bootOrder,
    ports: array(object({ name: string(), port: integer({ minimum: 1, maximum: 65_535 }), protocol: string({ enum: ['TCP', 'UDP'] }) }, { required: ['port'] }), {
      description: 'Where some are listed, Services and portforward reach no others.',
    }),
    bridge: { ...empty, description: 'A port of the Linux bridge that a multus network names.' },
    sriov: unsupported(noPassthrough),
    slirp: unsupported(natOnly),
    macvtap: unsupported('KubeVirt has dropped this field: use binding: {name: macvtap}'),
    passt: unsupported(natOnly),
    passtBinding: unsupported(natOnly),
    binding: object({ name: string({ enum: ['macvtap'], description: 'On a multus network of type macvtap.' }) }, { required: ['name'] }),
    state: string({ enum: ['up', 'down', 'absent'], description: 'Whether the cable is in, or the card is not there; it can be changed while the machine runs.' }),
    acpiIndex: integer({ minimum: 1, maximum: 16_383, description: 'By it the guest names the card: systemd’s name is enoN.' }),
    portRanges: unsupported('nothing is forwarded'),
    dhcpOptions: object({
      bootFileName: string(),
      tftpServerName: string(),
      ntpServers: unsupported('QEMU’s DHCP server does not name time servers'),
      privateOptions: unsupported('QEMU’s DHCP server has no private options'),
    }),
    pciAddress: unsupported('addresses are given by the engine'),
    tag: unsupported('tags are for device metadata, which is not served'),
  },
  { required: ['name'] },
);

export const devices = object({
  disks: array(diskSchema, { mergeKey: 'name' }),
  interfaces: array(networkInterface, { mergeKey: 'name' }),
  inputs: array(object({ name: string(), type: string({ enum: ['tablet', 'keyboard'] }), bus: string({ enum: ['usb', 'virtio'] }) }, { required: ['name', 'type'] })),
  rng: empty,
  video: object({ type: string({ enum: ['vga', 'virtio', 'bochs', 'cirrus', 'ramfb'] }) }),
  autoattachGraphicsDevice: boolean(),
  autoattachSerialConsole: boolean(),
  autoattachMemBalloon: boolean(),
  autoattachPodInterface: boolean(),
  autoattachInputDevice: boolean(),
  gpus: unsupported(noPassthrough),
  hostDevices: unsupported(noPassthrough),
  filesystems: unsupported('folders of the host are not shared with guests'),
  tpm: object({ enabled: boolean(), persistent: boolean({ description: 'What it keeps survives a stop of the machine.' }) }),
  watchdog: object(
    {
      name: string(),
      i6300esb: object({ action: string({ enum: ['poweroff', 'reset', 'shutdown'] }) }),
      diag288: unsupported('it belongs to another architecture: use i6300esb'),
    },
    { required: ['name'] },
  ),
  sound: unsupported('there is nobody to hear it'),
  downwardMetrics: unsupported('the host’s metrics are not shown to guests'),
  clientPassthrough: unsupported('USB devices are not redirected'),
  logSerialConsole: unsupported('the engine keeps the last output of the serial line in memory'),
  blockMultiQueue: boolean({ description: 'A queue for each processor of the guest; without it, QEMU chooses.' }),
  networkInterfaceMultiqueue: unsupported('QEMU chooses'),
  autoattachVSOCK: unsupported('there is no vsock here'),
  panicDevices: array(object({ model: string({ enum: ['isa', 'pvpanic'] }) }), { description: 'By these a guest tells that its kernel panicked; it counts as failed then.' }),
  disableHotplug: boolean({ description: 'Keeps no places free for disks that come while the machine runs.' }),
  useVirtioTransitional: unsupported('devices are modern virtio'),
});

const present = boolean();
const tickPolicy = (...policies: string[]): Schema => string({ enum: policies });
export const clock = object({
  utc: object({ offsetSeconds: integer() }),
  timezone: string({ description: 'The clock shows local time there, as Windows expects.' }),
  timer: object({
    hpet: object({ present, tickPolicy: unsupported('QEMU delays ticks') }),
    kvm: object({ present }),
    pit: object({ present, tickPolicy: tickPolicy('delay', 'discard') }),
    rtc: object({ present: unsupported('the board has one'), tickPolicy: tickPolicy('delay', 'catchup'), track: string({ enum: ['guest', 'wall'] }) }),
    hyperv: object({ present }),
  }),
});

const resourceList = object({ memory: quantity(), cpu: intOrString() });

const domain = object(
  {
    cpu: object({
      cores: integer({ minimum: 1 }),
      sockets: integer({ minimum: 1 }),
      threads: integer({ minimum: 1 }),
      model: string({ pattern: '[\\w.-]+', description: 'host-model and host-passthrough give the most that runs here.' }),
      maxSockets: unsupported('processors cannot be added while a machine runs'),
      features: array(
        object({ name: string({ pattern: '[\\w.-]+' }), policy: string({ enum: ['force', 'require', 'optional', 'disable', 'forbid'] }) }, { required: ['name'] }),
        { mergeKey: 'name' },
      ),
      dedicatedCpuPlacement: unsupported('processors are shared by all machines'),
      isolateEmulatorThread: unsupported('processors are shared by all machines'),
      numa: unsupported('memory is not placed'),
      realtime: unsupported('processors are shared by all machines'),
    }),
    memory: object({
      guest: quantity({ description: 'What the guest sees.' }),
      maxGuest: unsupported('memory cannot be added while a machine runs'),
      reservedOverhead: unsupported('nothing is reserved'),
      hugepages: unsupported('memory comes in ordinary pages'),
    }),
    resources: object({ requests: resourceList, limits: resourceList, overcommitGuestOverhead: unsupported('nothing is reserved') }),
    machine: object({ type: string({ pattern: '(pc|q35|pc-[\\w.-]+)' }) }),
    firmware: object({
      uuid: string({ pattern: '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}' }),
      serial: string(),
      bootloader: object({
        bios: object({ useSerial: unsupported('firmware shows itself on the screen') }),
        efi: object({ secureBoot: boolean(), persistent: boolean() }),
      }),
      kernelBoot: unsupported(ociImages),
      acpi: unsupported('the engine gives the tables'),
    }),
    devices,
    features,
    clock,
    ioThreadsPolicy: string({ enum: ['shared', 'auto'], description: 'Threads for virtio disks that are there from the start.' }),
    ioThreads: unsupported('a disk is served by one thread'),
    chassis: object({ manufacturer: string(), version: string(), serial: string(), asset: string(), sku: string() }),
    launchSecurity: unsupported('memory is not encrypted'),
    rebootPolicy: string({ enum: ['Reboot'], description: 'A reboot inside the guest keeps the machine.' }),
  },
  { required: ['devices'] },
);

/** The sources that volumes may have from claims. */
export const volumeSources = {
  dataVolume: object({ name: string(), hotpluggable: boolean() }, { required: ['name'] }),
  persistentVolumeClaim: object({ claimName: string(), readOnly: boolean(), hotpluggable: boolean() }, { required: ['claimName'] }),
};

const volume = object(
  {
    name: label,
    ...volumeSources,
    emptyDisk: object({ capacity: quantity({ minimum: 1 }) }, { required: ['capacity'] }),
    containerDisk: unsupported(ociImages),
    containerPath: unsupported(ociImages),
    ...seedSources,
    ephemeral: unsupported(own),
    serviceAccount: unsupported(own),
    downwardAPI: unsupported(own),
    downwardMetrics: unsupported(own),
    hostDisk: unsupported('files of the host are not opened by path: upload them as images'),
    memoryDump: unsupported(own),
  },
  { required: ['name'] },
);

const network = object(
  { name: label, pod: object({ vmNetworkCIDR: string({ description: 'The guest’s own network; 10.0.2.0/24 when not given.' }), vmIPv6NetworkCIDR: string({ description: 'Guests take their addresses from it by themselves, so its prefix has 64 bits; fec0::/64 when not given.' }) }), multus: object({ networkName: string({ pattern: '([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[a-z0-9]([-.a-z0-9]*[a-z0-9])?' }), default: unsupported('each network stands for itself here') }, { required: ['networkName'] }) },
  { required: ['name'] },
);

const instanceFields: Record<string, Schema> = {
  domain,
  networks: array(network, { mergeKey: 'name' }),
  volumes: array(volume, { mergeKey: 'name' }),
  hostname: label,
  architecture: string({ enum: ['amd64'] }),
  terminationGracePeriodSeconds: integer({ minimum: 0, description: 'How long a guest may take to shut down before it is turned off.' }),
  startStrategy: string({ enum: ['Paused'] }),
  evictionStrategy: string({ enum: ['None', 'LiveMigrateIfPossible', 'LiveMigrate', 'External'], description: 'Kept for clusters; one computer has nowhere to evict to.' }),
  accessCredentials,
  affinity: unsupported(oneHost),
  nodeSelector: unsupported(oneHost),
  tolerations: unsupported(oneHost),
  topologySpreadConstraints: unsupported(oneHost),
  schedulerName: unsupported(oneHost),
  priorityClassName: unsupported(oneHost),
  resourceClaims: unsupported(noPassthrough),
  dnsConfig: unsupported('guests use the host’s DNS through QEMU'),
  dnsPolicy: unsupported('guests use the host’s DNS through QEMU'),
  subdomain: unsupported('there is no DNS for machines'),
  livenessProbe: unsupported('guests are not probed'),
  serviceAccountName: unsupported('guests have no account in the cluster'),
  utilityVolumes: unsupported(own),
  readinessProbe: unsupported('guests are not probed'),
};

export const instanceSpec = object(instanceFields, { required: ['domain'] });

/** Of a VirtualMachine: how its instance is to be made. */
export const instanceTemplate = object(
  { metadata: object({ labels: map(string()), annotations: map(string()), name: string(), namespace: string(), creationTimestamp: any() }), spec: instanceSpec },
  { required: ['spec'] },
);

export const conditionList = array(
  object(
    { type: string(), status: string(), reason: string(), message: string(), lastTransitionTime: any(), lastProbeTime: any() },
    { required: ['type', 'status'] },
  ),
  { mergeKey: 'type' },
);
