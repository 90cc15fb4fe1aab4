/** What a snapshot's user should know of how it came about. Words: KubeVirt's. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { SnapshotIndication } from '#shared/kube/snapshot.ts';

const messages: Partial<Record<SnapshotIndication, string>> = {
  Online: 'Snapshot taken while the VM was running. Consistency depends on guest-agent quiescing.',
  GuestAgent: 'Guest agent was active and attempted to quiesce the filesystem for application consistency.',
  NoGuestAgent: 'Guest agent was not available. Snapshot is crash-consistent and may not be application-consistent.',
  Paused: 'Snapshot taken while the VM was paused. Snapshot is crash-consistent and may not be application-consistent.',
};

/**
 * @param vmi the machine's instance while the snapshot was taken; undefined when it was off
 * @param asked whether the guest agent was there and was asked to hold still
 */
export function indicationsOf(vmi: VirtualMachineInstance | undefined, asked: boolean): { indication: SnapshotIndication; message: string }[] {
  if (!vmi) return [];
  const paused = findCondition(vmi.status?.conditions, 'Paused')?.status === 'True';
  const found: SnapshotIndication[] = ['Online', paused ? 'Paused' : asked ? 'GuestAgent' : 'NoGuestAgent'];
  return found.sort().map((indication) => ({ indication, message: messages[indication] ?? '' }));
}
