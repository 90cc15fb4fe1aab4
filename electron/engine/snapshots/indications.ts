/** What a snapshot's user should know of how it came about. Words: KubeVirt's. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { SnapshotIndication } from '#shared/kube/snapshot.ts';
import type { Quiesce } from './quiesce.ts';

const messages: Partial<Record<SnapshotIndication, string>> = {
  Online: 'Snapshot taken while the VM was running. Consistency depends on guest-agent quiescing.',
  GuestAgent: 'Guest agent was active and attempted to quiesce the filesystem for application consistency.',
  NoGuestAgent: 'Guest agent was not available. Snapshot is crash-consistent and may not be application-consistent.',
  QuiesceFailed: 'Guest agent could not quiesce the filesystem.',
  QuiesceTimeout: 'The guest ended the quiescing of its filesystem before the snapshot was done. Snapshot may not be application-consistent.',
  Paused: 'Snapshot taken while the VM was paused. Snapshot is crash-consistent and may not be application-consistent.',
};

/**
 * @param vmi the machine's instance while the snapshot was taken; undefined when it was off
 * @param quiesce what came of asking the guest agent; undefined when it was not asked
 * @param before what an earlier try has told: that a freeze failed stays true of the snapshot
 */
export function indicationsOf(
  vmi: VirtualMachineInstance | undefined,
  quiesce: Pick<Quiesce, 'failed' | 'tooLong'> | undefined,
  before: readonly SnapshotIndication[] = [],
): { indication: SnapshotIndication; message: string }[] {
  if (!vmi) return [];
  const paused = findCondition(vmi.status?.conditions, 'Paused')?.status === 'True';
  const found: SnapshotIndication[] = ['Online', paused ? 'Paused' : quiesce ? 'GuestAgent' : 'NoGuestAgent'];
  if (quiesce?.failed || before.includes('QuiesceFailed')) found.push('QuiesceFailed');
  if (quiesce?.tooLong) found.push('QuiesceTimeout');
  return found.sort().map((indication) => ({ indication, message: messages[indication] ?? '' }));
}
