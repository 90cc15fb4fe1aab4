/** Types of KubeVirt's kinds (`kubevirt.io/v1`), as far as Hayloft reads or writes their fields. */
import type { DataVolumeSpec } from './cdi.ts';
import type { AccessMode, VolumeMode } from './core.ts';
import type { TypeMatcher, TypeRef } from './instancetype.ts';
import type { MigrationState } from './migration.ts';
import type { Condition, KubeObject, ObjectMeta } from './object.ts';

export type RunStrategy = 'Always' | 'Halted' | 'Manual' | 'RerunOnFailure' | 'Once';

export type PrintableStatus =
  | 'Stopped'
  | 'Provisioning'
  | 'Starting'
  | 'Running'
  | 'Paused'
  | 'Stopping'
  | 'Terminating'
  | 'CrashLoopBackOff'
  | 'Migrating'
  | 'Unknown'
  | 'ErrorUnschedulable'
  | 'ErrImagePull'
  | 'ImagePullBackOff'
  | 'ErrorPvcNotFound'
  | 'DataVolumeError'
  | 'WaitingForVolumeBinding'
  | 'WaitingForReceiver';

export type DiskBus = 'virtio' | 'sata' | 'scsi' | 'usb';

export interface Disk {
  name: string;
  disk?: { bus?: DiskBus; readonly?: boolean };
  cdrom?: { bus?: DiskBus; readonly?: boolean; tray?: 'open' | 'closed' };
  bootOrder?: number;
  serial?: string;
  cache?: 'none' | 'writethrough' | 'writeback';
  io?: 'native' | 'threads' | 'default';
  dedicatedIOThread?: boolean;
  errorPolicy?: 'stop' | 'ignore' | 'report' | 'enospace';
  /** Bytes. */
  blockSize?: { custom?: { logical: number; physical: number; discardGranularity?: number } };
}

export interface Interface {
  name: string;
  masquerade?: Record<string, never>;
  bridge?: Record<string, never>;
  binding?: { name: string };
  model?: string;
  state?: 'up' | 'down' | 'absent';
  acpiIndex?: number;
  dhcpOptions?: { bootFileName?: string; tftpServerName?: string };
  macAddress?: string;
  bootOrder?: number;
  ports?: { name?: string; port: number; protocol?: string }[];
}

export interface Network {
  name: string;
  pod?: { vmNetworkCIDR?: string; vmIPv6NetworkCIDR?: string };
  multus?: { networkName: string };
}

export interface Volume {
  name: string;
  dataVolume?: { name: string; hotpluggable?: boolean };
  persistentVolumeClaim?: { claimName: string; readOnly?: boolean; hotpluggable?: boolean };
  cloudInitNoCloud?: CloudInitSource;
  cloudInitConfigDrive?: CloudInitSource;
  sysprep?: { configMap?: { name: string }; secret?: { name: string } };
  configMap?: { name: string; optional?: boolean; volumeLabel?: string };
  secret?: { secretName: string; optional?: boolean; volumeLabel?: string };
  emptyDisk?: { capacity: string };
}

export interface SshKeyPropagation {
  noCloud?: Record<string, never>;
  configDrive?: Record<string, never>;
  qemuGuestAgent?: { users: string[] };
}

export interface AccessCredential {
  sshPublicKey?: { source: { secret?: { secretName: string } }; propagationMethod: SshKeyPropagation };
  userPassword?: { source: { secret?: { secretName: string } }; propagationMethod: { qemuGuestAgent?: Record<string, never> } };
}

export interface CloudInitSource {
  userData?: string;
  userDataBase64?: string;
  secretRef?: { name: string };
  networkData?: string;
  networkDataBase64?: string;
  networkDataSecretRef?: { name: string };
}

/** Named is on, unless it says otherwise. */
export interface FeatureState {
  enabled?: boolean;
}

export interface HypervFeatures {
  relaxed?: FeatureState;
  vapic?: FeatureState;
  spinlocks?: FeatureState & { spinlocks?: number };
  vpindex?: FeatureState;
  runtime?: FeatureState;
  synic?: FeatureState;
  synictimer?: FeatureState & { direct?: FeatureState };
  reset?: FeatureState;
  vendorid?: FeatureState & { vendorid?: string };
  frequencies?: FeatureState;
  reenlightenment?: FeatureState;
  tlbflush?: FeatureState & { direct?: FeatureState; extended?: FeatureState };
  ipi?: FeatureState;
  evmcs?: FeatureState;
}

export interface DomainFeatures {
  acpi?: FeatureState;
  apic?: FeatureState;
  smm?: FeatureState;
  kvm?: { hidden?: boolean };
  hyperv?: HypervFeatures;
  hypervPassthrough?: FeatureState;
}

export interface DomainClock {
  utc?: { offsetSeconds?: number };
  timezone?: string;
  timer?: {
    hpet?: { present?: boolean };
    kvm?: { present?: boolean };
    pit?: { present?: boolean; tickPolicy?: 'delay' | 'discard' };
    rtc?: { present?: boolean; tickPolicy?: 'delay' | 'catchup'; track?: 'guest' | 'wall' };
    hyperv?: { present?: boolean };
  };
}

export interface CpuFeature {
  name: string;
  policy?: 'force' | 'require' | 'optional' | 'disable' | 'forbid';
}

export interface DomainSpec {
  cpu?: { cores?: number; sockets?: number; threads?: number; maxSockets?: number; model?: string; features?: CpuFeature[]; dedicatedCpuPlacement?: boolean };
  memory?: { guest?: string; maxGuest?: string };
  resources?: {
    requests?: { memory?: string; cpu?: string | number };
    limits?: { memory?: string; cpu?: string | number };
  };
  machine?: { type?: string };
  firmware?: {
    uuid?: string;
    serial?: string;
    bootloader?: { bios?: Record<string, unknown>; efi?: { secureBoot?: boolean; persistent?: boolean } };
  };
  features?: DomainFeatures;
  clock?: DomainClock;
  ioThreadsPolicy?: 'shared' | 'auto';
  chassis?: { manufacturer?: string; version?: string; serial?: string; asset?: string; sku?: string };
  devices: {
    tpm?: { enabled?: boolean; persistent?: boolean };
    disks?: Disk[];
    interfaces?: Interface[];
    rng?: Record<string, never>;
    inputs?: { name: string; type: 'tablet' | 'keyboard'; bus?: 'usb' | 'virtio' }[];
    watchdog?: { name: string; i6300esb?: { action?: 'poweroff' | 'reset' | 'shutdown' } };
    blockMultiQueue?: boolean;
    autoattachGraphicsDevice?: boolean;
    autoattachSerialConsole?: boolean;
    autoattachMemBalloon?: boolean;
    autoattachPodInterface?: boolean;
    autoattachInputDevice?: boolean;
    panicDevices?: { model?: 'isa' | 'pvpanic' }[];
    disableHotplug?: boolean;
    video?: { type?: 'vga' | 'virtio' | 'bochs' | 'cirrus' | 'ramfb' };
  };
}

export interface VirtualMachineInstanceSpec {
  domain: DomainSpec;
  networks?: Network[];
  volumes?: Volume[];
  accessCredentials?: AccessCredential[];
  hostname?: string;
  architecture?: string;
  terminationGracePeriodSeconds?: number;
  startStrategy?: 'Paused';
  evictionStrategy?: string;
  nodeSelector?: Record<string, string>;
}

export interface DataVolumeTemplate {
  metadata: ObjectMeta;
  spec: DataVolumeSpec;
}

export interface StateChangeRequest {
  action: 'Start' | 'Stop';
  uid?: string;
  data?: Record<string, string>;
}

export interface VirtualMachine extends KubeObject {
  spec: {
    runStrategy?: RunStrategy;
    running?: boolean;
    template: { metadata?: ObjectMeta; spec: VirtualMachineInstanceSpec };
    dataVolumeTemplates?: DataVolumeTemplate[];
    instancetype?: TypeMatcher;
    preference?: TypeMatcher;
  };
  status?: {
    created?: boolean;
    ready?: boolean;
    printableStatus?: PrintableStatus;
    runStrategy?: RunStrategy;
    conditions?: Condition[];
    stateChangeRequests?: StateChangeRequest[];
    /** What of them is used, and goes on being used. */
    instancetypeRef?: TypeRef;
    preferenceRef?: TypeRef;
    /** Name of the VirtualMachineSnapshot, or VirtualMachineRestore, that works on the machine now. */
    snapshotInProgress?: string;
    restoreInProgress?: string;
    volumeSnapshotStatuses?: { name: string; enabled: boolean; reason?: string }[];
    startFailure?: { consecutiveFailCount?: number; retryAfterTimestamp?: string; lastFailedVMIUID?: string };
    observedGeneration?: number;
    desiredGeneration?: number;
  };
}

export type VmiPhase = '' | 'Pending' | 'Scheduling' | 'Scheduled' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

export interface VmiInterfaceStatus {
  name?: string;
  ipAddress?: string;
  ipAddresses?: string[];
  mac?: string;
  interfaceName?: string;
  infoSource?: string;
  linkState?: string;
}

export interface VolumeStatus {
  name: string;
  /** What the guest is likely to call the device: `vda`. */
  target: string;
  /** Of volumes that are plugged in while the machine runs. */
  phase?: 'Pending' | 'Bound' | 'AttachedToNode' | 'MountedToPod' | 'Ready' | 'Detaching' | 'UnMountedFromPod';
  reason?: string;
  message?: string;
  size?: number;
  hotplugVolume?: { attachPodName?: string; attachPodUID?: string };
  persistentVolumeClaimInfo?: {
    claimName?: string;
    accessModes?: AccessMode[];
    volumeMode?: VolumeMode;
    capacity?: { storage?: string };
    requests?: { storage?: string };
    filesystemOverhead?: string;
  };
}

export interface VirtualMachineInstance extends KubeObject {
  spec: VirtualMachineInstanceSpec;
  status?: {
    phase?: VmiPhase;
    reason?: string;
    nodeName?: string;
    conditions?: Condition[];
    interfaces?: VmiInterfaceStatus[];
    guestOSInfo?: Record<string, string>;
    /** `frozen`, or nothing. */
    fsFreezeStatus?: string;
    volumeStatus?: VolumeStatus[];
    phaseTransitionTimestamps?: { phase: VmiPhase; phaseTransitionTimestamp: string }[];
    memory?: { guestAtBoot?: string; guestCurrent?: string; guestRequested?: string };
    currentCPUTopology?: { cores?: number; sockets?: number; threads?: number };
    machine?: { type?: string };
    qosClass?: string;
    activePods?: Record<string, string>;
    migrationState?: MigrationState;
  };
}
