/** What a schema cannot say about machines: which parts belong together, and what this computer can give. */
import { isDeepStrictEqual } from 'node:util';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { DataVolumeTemplate, Volume, VirtualMachine, VirtualMachineInstance, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { nameProblem } from '#shared/kube/names.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import type { Admission, ResourceDefinition } from '../api/definition.ts';
import { invalid } from '../api/errors.ts';
import { validate } from '../api/schema-checks/validate.ts';
import { memoryBytes } from '../qemu/argv/argv.ts';
import { cpuTopology } from '../qemu/argv/cpu.ts';
import { checkNetworks } from '../networks/interface-checks.ts';
import type { Offers } from '../qemu/offers.ts';
import { expandTemplate } from '../instancetypes/expand.ts';
import { findTypes, nameTypes } from '../instancetypes/find.ts';
import type { Resources } from '../store/resources.ts';
import { addDefaultNetwork } from './default-network.ts';
import { virtualMachineInstances } from './definitions/virtual-machine-instance.ts';
import { virtualMachines } from './definitions/virtual-machine.ts';
import { checkProcessor } from './cpu-admission.ts';
import { checkDevices } from './device-admission.ts';
import { checkFirmware } from './firmware-admission.ts';
import { checkSeeds } from './seeds/admission.ts';
import { checkHotplug } from './volumes/admission.ts';

export interface HostLimits {
  memoryBytes: number;
  cores: number;
  hasUefi(secureBoot?: boolean): boolean;
  hasTpm(): boolean;
  /** What QEMU has here, once that is known. */
  offers(): Offers | undefined;
}

/** Holds an instance until its guest is gone; KubeVirt has one of this name. */
export const GUEST_FINALIZER = 'kubevirt.io/foregroundDeleteVirtualMachine';

const mib = 2 ** 20;
const gib = 2 ** 30;
const leastMemoryBytes = mib;
/** KubeVirt's own default. */
const defaultGraceSeconds = 180;
/** More virtual processors than this for each real one only slow a machine down. */
const mostCoresPerCore = 4;

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message });

export function admitMachine(
  limits: HostLimits,
  volumes: ResourceDefinition<DataVolume>,
  resources: () => Resources,
): (admission: Admission<VirtualMachine>) => void {
  return ({ object: vm, old }) => {
    const { spec } = vm;
    const causes: StatusCause[] = [];
    if (spec.running !== undefined && spec.runStrategy !== undefined) {
      causes.push(fault('spec.running', 'running and runStrategy say the same thing: give one of them'));
    }
    if (spec.running === undefined && spec.runStrategy === undefined) {
      causes.push(fault('spec.runStrategy', 'one of running and runStrategy is needed'));
    }
    const names = (spec.dataVolumeTemplates ?? []).map(({ metadata }) => metadata.name);
    const label = nameProblem(vm.metadata.name ?? '');
    if (label !== undefined) causes.push(fault('metadata.name', label));
    names.forEach((name, index) => {
      if (!name) causes.push(fault(`spec.dataVolumeTemplates[${index}].metadata.name`, 'a name is needed'));
      else if (names.indexOf(name) !== index) causes.push(fault(`spec.dataVolumeTemplates[${index}].metadata.name`, `"${name}" is there twice`));
    });
    causes.push(...(spec.dataVolumeTemplates ?? []).flatMap((template, index) => checkTemplate(volumes, template, index)));
    if (!spec.instancetype && !spec.preference) {
      fillIn(spec.template.spec);
      causes.push(...checkInstance(spec.template.spec, 'spec.template.spec', limits));
    } else if (vm.metadata.deletionTimestamp === undefined) {
      causes.push(...checkTyped(vm, old, resources(), limits));
    }
    if (causes.length > 0) throw invalid(virtualMachines, vm.metadata.name ?? '', causes);
  };
}

export function admitInstance(limits: HostLimits): (admission: Admission<VirtualMachineInstance>) => void {
  return ({ object: vmi, old }) => {
    // Whoever made it: without this its guest would outlive it.
    if (!old) vmi.metadata.finalizers = [...new Set([...(vmi.metadata.finalizers ?? []), GUEST_FINALIZER])];
    fillIn(vmi.spec);
    const causes = checkInstance(vmi.spec, 'spec', limits);
    // How long it may take to stop is the one thing that can be decided anew while it runs.
    if (old && !isDeepStrictEqual({ ...vmi.spec, terminationGracePeriodSeconds: 0 }, { ...old.spec, terminationGracePeriodSeconds: 0 })) {
      causes.push(fault('spec', 'a running instance cannot be changed: change its VirtualMachine and restart it'));
    }
    if (causes.length > 0) throw invalid(virtualMachineInstances, vmi.metadata.name ?? '', causes);
  };
}

/** With types, the template keeps its gaps: what they and the defaults fill in is judged, and stands in the instance. */
function checkTyped(vm: VirtualMachine, old: VirtualMachine | undefined, resources: Resources, limits: HostLimits): StatusCause[] {
  const path = 'spec.template.spec';
  const unnamed = nameTypes(vm);
  if (unnamed.length > 0) return unnamed;
  const { types, causes } = findTypes(resources, vm, old?.status);
  if (causes.length > 0) return causes;
  const { template, causes: against } = expandTemplate(vm.spec.template, types, path);
  if (against.length > 0) return against;
  fillIn(template.spec);
  return checkInstance(template.spec, path, limits);
}

/** A template is judged like the volume that it becomes, except for what only the moment of making tells. */
function checkTemplate(volumes: ResourceDefinition<DataVolume>, template: DataVolumeTemplate, index: number): StatusCause[] {
  const path = `spec.dataVolumeTemplates[${index}]`;
  const volume: DataVolume = { apiVersion: 'cdi.kubevirt.io/v1beta1', kind: 'DataVolume', ...structuredClone(template) };
  const { unknown, causes } = validate(volumes, volume);
  return [
    ...causes.map((cause) => ({ ...cause, field: `${path}.${cause.field ?? ''}` })),
    ...unknown.map((field) => fault(`${path}.${field}`, 'there is no such field')),
  ];
}

function fillIn(spec: VirtualMachineInstanceSpec): void {
  spec.domain.machine ??= {};
  spec.domain.machine.type ??= 'q35';
  spec.terminationGracePeriodSeconds ??= defaultGraceSeconds;
  addDefaultNetwork(spec);
}

/** What is wrong with an instance's spec, which stands at `path` of its object. */
export function checkInstance(spec: VirtualMachineInstanceSpec, path: string, limits: HostLimits): StatusCause[] {
  return [
    ...checkSize(spec, path, limits),
    ...checkDisks(spec, path),
    ...checkHotplug(spec, path),
    ...checkDevices(spec, path),
    ...checkSeeds(spec, path),
    ...checkProcessor(spec.domain, `${path}.domain`, limits.offers()),
    ...checkFirmware(spec.domain, `${path}.domain`, limits),
    ...checkNetworks(spec, path),
    ...checkBootOrder(spec, path),
  ];
}

function checkSize(spec: VirtualMachineInstanceSpec, path: string, limits: HostLimits): StatusCause[] {
  const causes: StatusCause[] = [];
  const bytes = memoryBytes(spec.domain);
  const inGib = (value: number): string => `${(value / gib).toFixed(1)} GiB`;
  if (bytes < leastMemoryBytes) {
    causes.push(fault(`${path}.domain.memory.guest`, 'how much memory the machine has must be said, for example 2Gi'));
  } else if (bytes > limits.memoryBytes) {
    causes.push(fault(`${path}.domain.memory.guest`, `the machine asks for ${inGib(bytes)} of memory, and this computer has ${inGib(limits.memoryBytes)}`));
  }
  const { sockets, cores, threads } = cpuTopology(spec.domain);
  const most = limits.cores * mostCoresPerCore;
  if (sockets * cores * threads > most) {
    causes.push(fault(`${path}.domain.cpu.cores`, `the machine asks for ${sockets * cores * threads} processors; on this computer ${most} at most make sense, for it has ${limits.cores}`));
  }
  return causes;
}

function checkDisks({ domain, volumes = [] }: VirtualMachineInstanceSpec, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const disks = domain.devices.disks ?? [];
  disks.forEach((disk, index) => {
    const at = `${path}.domain.devices.disks[${index}]`;
    if (disks.findIndex(({ name }) => name === disk.name) !== index) causes.push(fault(`${at}.name`, `"${disk.name}" is there twice`));
    if (disk.disk && disk.cdrom) causes.push(fault(at, 'it is either a disk or a cdrom'));
    if (disk.cdrom?.bus === 'usb' && !volumes.some(({ name }) => name === disk.name)) {
      causes.push(fault(`${at}.cdrom.bus`, 'an empty CD drive is on sata or scsi'));
    }
    if (disk.cdrom?.bus === 'virtio') causes.push(fault(`${at}.cdrom.bus`, 'a CD drive is on sata, scsi or usb'));
    const hasVolume = volumes.some(({ name }) => name === disk.name);
    if (!hasVolume && !disk.cdrom) causes.push(fault(`${at}.name`, `there is no volume "${disk.name}"`));
  });
  volumes.forEach((volume, index) => {
    const at = `${path}.volumes[${index}]`;
    const sources = Object.keys(volume).filter((field) => field !== 'name');
    const claim = claimOf(volume);
    if (claim !== undefined && volumes.findIndex((other) => claimOf(other) === claim) !== index) {
      causes.push(fault(at, `the claim "${claim}" is there twice`));
    }
    if (sources.length !== 1) causes.push(fault(at, 'exactly one source is needed'));
    if (volumes.findIndex(({ name }) => name === volume.name) !== index) causes.push(fault(`${at}.name`, `"${volume.name}" is there twice`));
    if (!disks.some(({ name }) => name === volume.name)) causes.push(fault(`${at}.name`, `there is no disk "${volume.name}"`));
  });
  return causes;
}

const claimOf = ({ dataVolume, persistentVolumeClaim }: Volume): string | undefined =>
  dataVolume?.name ?? persistentVolumeClaim?.claimName;

function checkBootOrder({ domain }: VirtualMachineInstanceSpec, path: string): StatusCause[] {
  const seen = new Set<number>();
  const causes: StatusCause[] = [];
  for (const kind of ['disks', 'interfaces'] as const) {
    (domain.devices[kind] ?? []).forEach(({ bootOrder }, index) => {
      if (bootOrder === undefined) return;
      if (seen.has(bootOrder)) causes.push(fault(`${path}.domain.devices.${kind}[${index}].bootOrder`, `${bootOrder} is there twice`));
      seen.add(bootOrder);
    });
  }
  return causes;
}
