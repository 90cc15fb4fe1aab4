/** One machine with all that its page shows. */
import { stringify } from 'yaml';
import type { MachineDetail, MachineDisk, MachineEvent } from '#shared/contract/machines.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { KubeEvent, PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { Disk, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { Condition, KubeObject } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { machineRow, timeOf, type MachineObjects } from './machine-row.ts';

export interface DetailObjects extends MachineObjects {
  claim: (name: string) => PersistentVolumeClaim | undefined;
  volume: (name: string) => DataVolume | undefined;
  events: readonly KubeEvent[];
}

export function machineDetail(clusterId: string, objects: DetailObjects): MachineDetail {
  const { vm, vmi } = objects;
  const { spec } = vm.spec.template;
  const description = vm.metadata.annotations?.[DESCRIPTION_ANNOTATION];
  return {
    ...machineRow(clusterId, objects),
    ...(description === undefined ? {} : { description }),
    firmware: spec.domain.firmware?.bootloader?.efi === undefined ? 'bios' : 'uefi',
    ...(spec.domain.machine?.type === undefined ? {} : { machineType: spec.domain.machine.type }),
    ...(spec.domain.cpu?.model === undefined ? {} : { cpuModel: spec.domain.cpu.model }),
    disks: (spec.domain.devices.disks ?? []).map((disk) => diskOf(disk, objects)),
    networks: networksOf(vm, vmi),
    conditions: conditionsOf(vm, vmi).map((item) => {
      const since = timeOf(item.lastTransitionTime);
      return {
        type: item.type,
        status: item.status,
        ...(item.reason ? { reason: item.reason } : {}),
        ...(item.message ? { message: item.message } : {}),
        ...(since === undefined ? {} : { since }),
      };
    }),
    events: objects.events.map(eventOf).sort((a, b) => b.at - a.at),
    yaml: stringify(withoutNoise(vm)),
    agent: findCondition(vmi?.status?.conditions, 'AgentConnected')?.status === 'True',
    ...systemOf(vmi),
  };
}

function systemOf(vmi: VirtualMachineInstance | undefined): Pick<MachineDetail, 'system'> {
  const { id, prettyName, name, version, kernelRelease } = vmi?.status?.guestOSInfo ?? {};
  const title = prettyName || [name, version].filter(Boolean).join(' ');
  if (!title && !kernelRelease) return {};
  return { system: { ...(id ? { id } : {}), ...(title ? { name: title } : {}), ...(kernelRelease ? { kernel: kernelRelease } : {}) } };
}

/** The machine's own, and those of its instance that it has none of. */
function conditionsOf(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): Condition[] {
  const own = vm.status?.conditions ?? [];
  const more = vmi?.status?.conditions ?? [];
  return [...own, ...more.filter(({ type }) => !own.some((condition) => condition.type === type))];
}

function diskOf(disk: Disk, { vm, claim, volume }: DetailObjects): MachineDisk {
  const source = vm.spec.template.spec.volumes?.find((item) => item.name === disk.name);
  const name = source?.dataVolume?.name ?? source?.persistentVolumeClaim?.claimName;
  const pvc = name === undefined ? undefined : claim(name);
  const dataVolume = name === undefined ? undefined : volume(name);
  const sizeBytes = parseQuantity(pvc?.status?.capacity?.storage ?? source?.emptyDisk?.capacity);
  const phase = dataVolume?.status?.phase ?? pvc?.status?.phase;
  const progress = progressOf(dataVolume);
  const bus = disk.cdrom?.bus ?? disk.disk?.bus;
  return {
    name: disk.name,
    kind: disk.cdrom ? 'cdrom' : 'disk',
    ...(bus === undefined ? {} : { bus }),
    ...(disk.bootOrder === undefined ? {} : { bootOrder: disk.bootOrder }),
    ...(name === undefined ? {} : { claim: name }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(phase === undefined ? {} : { phase }),
    ...(progress === undefined ? {} : { progress }),
    owned: (dataVolume ?? pvc)?.metadata.ownerReferences?.some((owner) => owner.uid === vm.metadata.uid) ?? false,
  };
}

/** A DataVolume's progress from 0 to 1, where somebody counts it. */
export function progressOf(volume: DataVolume | undefined): number | undefined {
  const percent = /^([\d.]+)%$/.exec(volume?.status?.progress ?? '')?.[1];
  return percent === undefined ? undefined : Math.min(1, Number(percent) / 100);
}

function networksOf(vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): MachineDetail['networks'] {
  return (vm.spec.template.spec.domain.devices.interfaces ?? []).map((item) => {
    const seen = vmi?.status?.interfaces?.find((status) => status.name === item.name);
    const mac = seen?.mac ?? item.macAddress;
    return {
      name: item.name,
      binding: item.masquerade ? 'masquerade' : 'other',
      ...(item.model === undefined ? {} : { model: item.model }),
      ...(mac === undefined ? {} : { mac }),
      addresses: seen?.ipAddresses ?? (seen?.ipAddress ? [seen.ipAddress] : []),
    };
  });
}

function eventOf(event: KubeEvent): MachineEvent {
  return {
    key: event.metadata.uid ?? event.metadata.name ?? '',
    type: event.type ?? 'Normal',
    reason: event.reason ?? '',
    message: event.message ?? '',
    count: event.count ?? 1,
    at: timeOf(event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp) ?? 0,
  };
}

/** What no reader of a manifest wants to see. */
function withoutNoise<T extends KubeObject>(object: T): T {
  const copy = structuredClone(object);
  delete copy.metadata.managedFields;
  return copy;
}
