/** What is known of a machine when it is asked why it does not run, and the search in it. */
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { KubeEvent, PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { Condition } from '#shared/kube/object.ts';

export interface Evidence {
  vm: VirtualMachine;
  vmi: VirtualMachineInstance | undefined;
  /** DataVolumes that the machine owns or uses. */
  volumes: readonly DataVolume[];
  /** The claim of this name; absent where claims are not looked at. */
  claim?: (name: string) => PersistentVolumeClaim | undefined;
  /** About the machine, its instance, its pod and its volumes; in any order. */
  events?: readonly KubeEvent[];
}

/** A condition of the instance, or else of the machine, which repeats them. */
export const conditionOf = ({ vm, vmi }: Evidence, type: string): Condition | undefined =>
  findCondition(vmi?.status?.conditions, type) ?? findCondition(vm.status?.conditions, type);

/** Its message, where it has this status. */
export function messageOf(evidence: Evidence, type: string, status: Condition['status']): string | undefined {
  const found = conditionOf(evidence, type);
  return found?.status === status ? found.message || undefined : undefined;
}

export function eventTime(event: KubeEvent): number {
  const text = event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp ?? '';
  return Date.parse(text) || 0;
}

/** The newest event with one of these reasons. @param about name of the object that it is to be about */
export function newestEvent({ events = [] }: Evidence, reasons: readonly string[], about?: string): KubeEvent | undefined {
  return events
    .filter((event) => reasons.includes(event.reason ?? '') && (about === undefined || event.involvedObject.name === about))
    .reduce<KubeEvent | undefined>((best, event) => (best && eventTime(best) >= eventTime(event) ? best : event), undefined);
}

/** Names of the claims behind the machine's volumes; a DataVolume's claim has its name. */
export const claimNames = ({ vm }: Evidence): string[] =>
  (vm.spec.template.spec.volumes ?? []).flatMap((volume) => volume.dataVolume?.name ?? volume.persistentVolumeClaim?.claimName ?? []);

/** As a sentence of its own: without blanks around it, with a capital letter and a full stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
