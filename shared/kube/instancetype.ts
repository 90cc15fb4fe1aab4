/** Types of KubeVirt's instancetypes and preferences (`instancetype.kubevirt.io/v1beta1`), as far as Hayloft honours them. */
import type { Disk, DomainClock, DomainFeatures, DomainSpec } from './kubevirt.ts';
import type { KubeObject } from './object.ts';

type Devices = DomainSpec['devices'];
type Input = NonNullable<Devices['inputs']>[number];

/** `spec.instancetype` and `spec.preference` of a machine. */
export interface TypeMatcher {
  name?: string;
  kind?: string;
  /** Of a ControllerRevision: what was used, whatever has become of the object since. */
  revisionName?: string;
}

/** `status.instancetypeRef` and `status.preferenceRef` of a machine. */
export interface TypeRef {
  name?: string;
  kind?: string;
  controllerRevisionRef?: { name: string };
}

export interface InstancetypeSpec {
  cpu: { guest: number; model?: string };
  memory: { guest: string; overcommitPercent?: number };
  ioThreadsPolicy?: 'shared' | 'auto';
  annotations?: Record<string, string>;
}

/** Words of v1beta1, and the older ones that it still takes. */
export type Topology =
  | 'sockets' | 'cores' | 'threads' | 'spread' | 'any'
  | 'preferSockets' | 'preferCores' | 'preferThreads' | 'preferSpread' | 'preferAny';

export interface PreferenceSpec {
  annotations?: Record<string, string>;
  clock?: { preferredClockOffset?: Pick<DomainClock, 'utc' | 'timezone'>; preferredTimer?: NonNullable<DomainClock['timer']> };
  cpu?: { preferredCPUTopology?: Topology; spreadOptions?: { across?: 'SocketsCores' | 'CoresThreads' | 'SocketsCoresThreads'; ratio?: number } };
  preferSpreadSocketToCoreRatio?: number;
  devices?: {
    preferredAutoattachGraphicsDevice?: boolean;
    preferredAutoattachInputDevice?: boolean;
    preferredAutoattachMemBalloon?: boolean;
    preferredAutoattachPodInterface?: boolean;
    preferredAutoattachSerialConsole?: boolean;
    preferredBlockMultiQueue?: boolean;
    preferredCdromBus?: NonNullable<NonNullable<Disk['cdrom']>['bus']>;
    preferredDisableHotplug?: boolean;
    preferredDiskBlockSize?: NonNullable<Disk['blockSize']>;
    preferredDiskBus?: NonNullable<NonNullable<Disk['disk']>['bus']>;
    preferredDiskCache?: NonNullable<Disk['cache']>;
    preferredDiskDedicatedIoThread?: boolean;
    preferredDiskIO?: NonNullable<Disk['io']>;
    preferredInputBus?: NonNullable<Input['bus']>;
    preferredInputType?: Input['type'];
    preferredInterfaceModel?: string;
    preferredRng?: Record<string, never>;
    preferredTPM?: NonNullable<Devices['tpm']>;
    preferredVideoType?: NonNullable<NonNullable<Devices['video']>['type']>;
  };
  features?: {
    preferredAcpi?: NonNullable<DomainFeatures['acpi']>;
    preferredApic?: NonNullable<DomainFeatures['apic']>;
    preferredHyperv?: NonNullable<DomainFeatures['hyperv']>;
    preferredKvm?: NonNullable<DomainFeatures['kvm']>;
    preferredSmm?: NonNullable<DomainFeatures['smm']>;
  };
  firmware?: {
    preferredEfi?: { secureBoot?: boolean; persistent?: boolean };
    preferredUseBios?: boolean;
    preferredUseEfi?: boolean;
    preferredUseSecureBoot?: boolean;
  };
  machine?: { preferredMachineType?: string };
  preferredArchitecture?: string;
  preferredTerminationGracePeriodSeconds?: number;
  requirements?: { architecture?: string; cpu?: { guest: number }; memory?: { guest: string } };
}

/** VirtualMachineInstancetype and VirtualMachineClusterInstancetype. */
export interface Instancetype extends KubeObject {
  spec: InstancetypeSpec;
}

/** VirtualMachinePreference and VirtualMachineClusterPreference. */
export interface Preference extends KubeObject {
  spec: PreferenceSpec;
}

/** Kubernetes' own way of keeping what an object once said (`apps/v1`). */
export interface ControllerRevision extends KubeObject {
  data?: unknown;
  revision: number;
}
