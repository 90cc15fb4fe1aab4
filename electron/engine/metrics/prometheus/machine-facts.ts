/** Machines, whether they run or not: by KubeVirt's names and with its labels. */
import type { DomainSpec, VirtualMachine } from '#shared/kube/kubevirt.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { persistentVolumeClaims } from '../../disks/definitions/persistent-volume-claim.ts';
import { virtualMachines } from '../../machines/definitions/virtual-machine.ts';
import type { Resources } from '../../store/resources.ts';
import type { Labels, Page } from './text.ts';

/** KubeVirt's groups of what `printableStatus` says. */
const groups: Record<string, readonly string[]> = {
  starting: ['Provisioning', 'Starting', 'WaitingForVolumeBinding'],
  running: ['Running'],
  migrating: ['Migrating'],
  non_running: ['Stopped', 'Paused', 'Stopping', 'Terminating'],
};

const groupOf = (status: string): string => Object.entries(groups).find(([, statuses]) => statuses.includes(status))?.[0] ?? 'error';

export function writeMachines(page: Page, resources: Resources): void {
  for (const vm of resources.list(virtualMachines)) {
    const of = { name: vm.metadata.name, namespace: vm.metadata.namespace };
    writeInfo(page, vm, of);
    writeResources(page, vm.spec.template.spec.domain, of);
    for (const { name: device, dataVolume, persistentVolumeClaim } of vm.spec.template.spec.volumes ?? []) {
      const claim = dataVolume?.name ?? persistentVolumeClaim?.claimName;
      if (claim === undefined) continue;
      const found = resources.get(persistentVolumeClaims, of.namespace, claim);
      page.family('kubevirt_vm_disk_allocated_size_bytes', 'gauge', 'Size of the claim behind each disk of the machine.').set(parseQuantity(found?.status?.capacity?.storage), {
        ...of,
        ...{ persistentvolumeclaim: claim, volume_mode: found?.spec.volumeMode ?? 'Filesystem', device },
      });
    }
  }
}

function writeInfo(page: Page, vm: VirtualMachine, of: Labels): void {
  const { spec, status, metadata } = vm;
  const printable = status?.printableStatus ?? 'Unknown';
  const annotations = spec.template.metadata?.annotations ?? {};
  page.family('kubevirt_vm_info', 'gauge', 'What kind of machine it is, and how it stands.').set(1, {
    ...of,
    os: annotations['vm.kubevirt.io/os'],
    workload: annotations['vm.kubevirt.io/workload'],
    flavor: annotations['vm.kubevirt.io/flavor'],
    machine_type: spec.template.spec.domain.machine?.type,
    instance_type: spec.instancetype?.name,
    preference: spec.preference?.name,
    status: printable.toLowerCase(),
    status_group: groupOf(printable),
  });
  page.family('kubevirt_vm_create_date_timestamp_seconds', 'gauge', 'When the machine was made.').set(seconds(metadata.creationTimestamp), of);
  const changed = (status?.conditions ?? [])
    .filter(({ type }) => ['Ready', 'Failure', 'Paused'].includes(type))
    .map(({ lastTransitionTime }) => seconds(lastTransitionTime ?? undefined))
    .filter((time) => !Number.isNaN(time));
  for (const group of [...Object.keys(groups), 'error']) {
    const since = group === groupOf(printable) ? Math.max(-1, ...changed) : 0;
    page.family(`kubevirt_vm_${group}_status_last_transition_timestamp_seconds`, 'counter', `When the machine came to be ${group.replace('_', ' ')}; 0 while it is not.`).set(since, of);
  }
}

function writeResources(page: Page, { cpu, memory, resources }: DomainSpec, of: Labels): void {
  const requests = page.family('kubevirt_vm_resource_requests', 'gauge', 'Memory and processors that the machine asks for.');
  const limits = page.family('kubevirt_vm_resource_limits', 'gauge', 'Bounds of memory and processors, where the machine has any.');
  const inBytes = { ...of, resource: 'memory', unit: 'bytes' };
  requests.set(parseQuantity(resources?.requests?.memory), { ...inBytes, source: 'domain' });
  requests.set(parseQuantity(memory?.guest), { ...inBytes, source: 'guest' });
  limits.set(parseQuantity(resources?.limits?.memory), inBytes);
  for (const unit of ['cores', 'sockets', 'threads'] as const) requests.set(cpu?.[unit], { ...of, resource: 'cpu', unit, source: 'domain' });
  requests.set(parseQuantity(resources?.requests?.cpu), { ...of, resource: 'cpu', unit: 'cores', source: 'requests' });
  limits.set(parseQuantity(resources?.limits?.cpu), { ...of, resource: 'cpu', unit: 'cores' });
}

const seconds = (time: string | undefined): number => Math.floor(Date.parse(time ?? '') / 1000);
