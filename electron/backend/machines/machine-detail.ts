/** One machine with all that its page shows. */
import type { Cluster } from '#shared/contract/clusters.ts';
import type { MachineDetail, MachineEvent } from '#shared/contract/machines.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { KubeEvent, PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { Condition } from '#shared/kube/object.ts';
import { descriptionKey } from '../machine-actions/notes.ts';
import { eventTime } from './explanation/evidence.ts';
import { explain } from './explanation/explain.ts';
import { machineDisks } from './machine-disks.ts';
import { machineNetworks } from './machine-networks.ts';
import { machineRow, timeOf, type MachineObjects } from './machine-row.ts';

export interface DetailObjects extends MachineObjects {
  claim: (name: string) => PersistentVolumeClaim | undefined;
  volume: (name: string) => DataVolume | undefined;
  events: readonly KubeEvent[];
}

/** @param flavour of the cluster: Harvester keeps some things elsewhere */
export function machineDetail(clusterId: string, flavour: Cluster['flavour'], objects: DetailObjects): MachineDetail {
  const { vm, vmi } = objects;
  const { spec } = vm.spec.template;
  const explanation = explain({ ...objects, volumes: usedVolumes(objects) });
  const description = vm.metadata.annotations?.[descriptionKey(flavour)];
  return {
    ...machineRow(clusterId, objects),
    ...(description === undefined ? {} : { description }),
    firmware: spec.domain.firmware?.bootloader?.efi === undefined ? 'bios' : 'uefi',
    ...(spec.domain.machine?.type === undefined ? {} : { machineType: spec.domain.machine.type }),
    ...(spec.domain.cpu?.model === undefined ? {} : { cpuModel: spec.domain.cpu.model }),
    disks: machineDisks(objects),
    networks: machineNetworks(vm, vmi),
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
    events: objects.events.map((event) => eventOf(event, objects)).sort((a, b) => b.at - a.at),
    ...(explanation === undefined ? {} : { explanation }),
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

function eventOf(event: KubeEvent, { vm }: DetailObjects): MachineEvent {
  const { kind = '', name } = event.involvedObject;
  const from = event.source?.component ?? event.reportingComponent;
  const at = eventTime(event);
  return {
    key: event.metadata.uid ?? event.metadata.name ?? '',
    type: event.type === 'Warning' ? 'Warning' : 'Normal',
    reason: event.reason ?? '',
    message: event.message ?? '',
    count: event.count ?? 1,
    at,
    firstAt: timeOf(event.firstTimestamp ?? event.metadata.creationTimestamp) ?? at,
    about: kind,
    ...(name === undefined || name === vm.metadata.name ? {} : { name }),
    ...(from ? { from } : {}),
  };
}

/** DataVolumes behind its disks, whoever owns them, and those that it owns. */
function usedVolumes({ vm, volumes, volume }: DetailObjects): DataVolume[] {
  const used = (vm.spec.template.spec.volumes ?? []).flatMap(({ dataVolume }) => (dataVolume && volume(dataVolume.name)) ?? []);
  return [...volumes, ...used.filter((other) => !volumes.includes(other))];
}
