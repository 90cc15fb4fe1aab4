/** Whether a namespace's ResourceQuotas leave room for one more machine. Pure. */
import type { PlacementRequest } from '#shared/contract/placement.ts';
import { formatBytes } from '#shared/format/units.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { PodSize } from './pod-size.ts';
import type { Room } from './room.ts';
import { defaultClass } from './storage-fit.ts';

interface Ask {
  amount: number;
  /** How an amount is said. */
  say: (amount: number) => string;
  /** How it is said that so many of so many are used. */
  used: (used: string, hard: string) => string;
}

/** Scopes under which a machine's pod falls; a quota with others is about other pods. */
const ownScopes = new Set(['NotTerminating', 'NotBestEffort']);
const perClass = '.storageclass.storage.k8s.io/';

/** @returns what would be refused, as the end of a sentence; undefined when nothing would be */
export function overQuota(request: PlacementRequest, size: PodSize, room: Room): string | undefined {
  const asks = asksOf(request, size, room);
  for (const { metadata, spec, status } of room.quotas ?? []) {
    if (spec?.scopeSelector !== undefined || spec?.scopes?.some((scope) => !ownScopes.has(scope))) continue;
    for (const [resource, limit] of Object.entries(status?.hard ?? spec?.hard ?? {})) {
      const ask = asks.get(resource);
      if (!ask || ask.amount === 0) continue;
      const hard = parseQuantity(limit) ?? Infinity;
      const used = parseQuantity(status?.used?.[resource]) ?? 0;
      if (used + ask.amount <= hard) continue;
      return `${ask.used(ask.say(used), ask.say(hard))} in ${request.namespace}, and it takes ${ask.say(ask.amount)} (ResourceQuota ${metadata.name ?? ''}, ${resource})`;
    }
  }
  return undefined;
}

/** What it adds to everything that quotas may be about (Kubernetes' "Resource Quotas", "Types of resource quota"). */
function asksOf(request: PlacementRequest, size: PodSize, { classes, flavour, ratios }: Room): Map<string, Ask> {
  const { disks } = request;
  const asks = new Map<string, Ask>();
  const count = (amount: number, what: string, ...names: string[]): void => {
    for (const name of names) asks.set(name, { amount, say: String, used: (used, hard) => `${used} of ${hard} ${what} are there` });
  };
  const bytes = (amount: number, what: string, ...names: string[]): void => {
    for (const name of names) asks.set(name, { amount, say: formatBytes, used: (used, hard) => `${used} of ${hard} of ${what} are used` });
  };
  count(1, 'machines', 'count/virtualmachines.kubevirt.io');
  count(disks.length, 'disks', 'persistentvolumeclaims', 'count/persistentvolumeclaims');
  // Harvester makes the claims itself.
  if (flavour !== 'harvester') count(disks.length, 'disks', 'count/datavolumes.cdi.kubevirt.io');
  bytes(disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), 'disk space', 'requests.storage');
  const usual = defaultClass(classes ?? [])?.metadata.name;
  for (const { sizeBytes, storageClass = usual } of disks) {
    if (storageClass === undefined) continue;
    bytes((asks.get(`${storageClass}${perClass}requests.storage`)?.amount ?? 0) + sizeBytes, 'disk space', `${storageClass}${perClass}requests.storage`);
    count((asks.get(`${storageClass}${perClass}persistentvolumeclaims`)?.amount ?? 0) + 1, 'disks', `${storageClass}${perClass}persistentvolumeclaims`);
  }
  if (!request.start) return asks;
  count(1, 'running machines', 'count/virtualmachineinstances.kubevirt.io');
  count(1, 'pods', 'pods', 'count/pods');
  bytes(size.memoryBytes, 'memory', 'memory', 'requests.memory');
  const cpu = (amount: number): Ask => ({ amount, say: (value) => String(Number(value.toFixed(2))), used: (used, hard) => `${used} of ${hard} processors are used` });
  asks.set('cpu', cpu(size.cpu));
  asks.set('requests.cpu', cpu(size.cpu));
  // Machines have limits there, which Harvester's and Rancher's own quotas are about; elsewhere they have none.
  if (ratios.harvester) {
    bytes(request.memoryBytes + size.overheadBytes, 'memory', 'limits.memory');
    asks.set('limits.cpu', cpu(request.cores));
  }
  return asks;
}
