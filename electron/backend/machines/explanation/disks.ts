/** What keeps a machine's disks from being there. */
import type { DataVolume } from '#shared/kube/cdi.ts';
import { claimNames, conditionOf, newestEvent, sentence, type Evidence } from './evidence.ts';
import type { Explanation } from './explain.ts';

const claimTroubles = ['ProvisioningFailed', 'StorageUnavailable', 'ClaimLost', 'FailedBinding', 'VolumeFailedDelete', 'ErrClaimNotValid'];
const volumeTroubles = ['ImportFailed', 'CloneFailed', 'UploadFailed', 'Error', 'ErrExceededQuota', 'NotFound', 'ProvisioningFailed', 'SourceDoesNotExist'];

/** A DataVolume that failed, or that cannot go on. */
export function failedVolume(evidence: Evidence): Explanation | undefined {
  const failed = evidence.volumes.find(({ status }) => status?.phase === 'Failed') ?? evidence.volumes.find(inTrouble);
  if (!failed) return undefined;
  const name = failed.metadata.name ?? '';
  const why =
    failed.status?.conditions?.find(({ status, reason, message }) => status === 'False' && message && reason !== 'Completed')?.message ??
    newestEvent(evidence, volumeTroubles, name)?.message;
  return {
    tone: 'bad',
    sentence: why ? sentence(`Its disk ${name} could not be made: ${why}`) : `Its disk ${name} could not be made.`,
    next: /space|quota|exceed/i.test(why ?? '')
      ? 'Free some space, or choose another storage class; then make the disk again.'
      : 'Mend the cause, then delete the disk and attach a new one. The events tell more.',
  };
}

/** CDI tries an import for ever: it says in the condition Running that the last try failed. */
const inTrouble = ({ status }: DataVolume): boolean =>
  status?.phase !== 'Succeeded' &&
  (status?.conditions ?? []).some((item) => item.type === 'Running' && item.status === 'False' && item.reason === 'Error' && (status?.restartCount ?? 0) >= 3);

/** Disks that are on their way. */
export function unfinishedVolume(evidence: Evidence): Explanation | undefined {
  const volume = evidence.volumes.find(({ status }) => status !== undefined && status.phase !== 'Succeeded');
  if (!volume) return undefined;
  const name = volume.metadata.name ?? '';
  const { phase, progress } = volume.status ?? {};
  if (phase === 'UploadReady' || phase === 'UploadScheduled') {
    return { tone: 'info', sentence: `Its disk ${name} waits for its upload.`, next: 'Upload the image; the machine starts when it is there.' };
  }
  if (phase === 'Paused') return { tone: 'warning', sentence: `The making of its disk ${name} is paused.` };
  const blocked = ['', 'Pending', 'WaitForFirstConsumer', 'PendingPopulation', undefined].includes(phase) ? unboundClaim(evidence, [name]) : undefined;
  if (blocked?.tone === 'bad') return blocked;
  const share = progress?.endsWith('%') === true ? ` (${progress})` : '';
  return { tone: 'info', sentence: `Its disk ${name} is being made${share}.` };
}

/** @param names the claims to look at */
export function unboundClaim(evidence: Evidence, names = claimNames(evidence)): Explanation | undefined {
  const { claim } = evidence;
  const unbound = names.find((name) => {
    const phase = claim?.(name)?.status?.phase;
    return phase === 'Pending' || phase === 'Lost';
  });
  if (unbound === undefined || !claim) return undefined;
  const { spec, status } = claim(unbound) ?? {};
  const trouble = newestEvent(evidence, claimTroubles, unbound);
  if (status?.phase === 'Lost' || trouble) {
    return {
      tone: 'bad',
      sentence: sentence(trouble?.message ? `Its disk ${unbound} cannot be provided: ${trouble.message}` : `The storage of its disk ${unbound} is lost.`),
      next: /no storage class|storageclass.*not found/i.test(trouble?.message ?? '')
        ? 'Choose a storage class that the cluster has, or make one the default.'
        : `Look at the storage class ${spec?.storageClassName ?? 'of the claim'} and what provides it.`,
    };
  }
  if (spec?.storageClassName === undefined && newestEvent(evidence, ['WaitForFirstConsumer'], unbound) === undefined) {
    return { tone: 'warning', sentence: `Its disk ${unbound} has no storage class, and the cluster has no default one.`, next: 'Name a storage class on the claim, or make one the default.' };
  }
  return { tone: 'info', sentence: `Its disk ${unbound} waits for its storage.`, next: 'The storage class makes it once the machine has a node. If that takes long, look at the events.' };
}

export function missingClaim(evidence: Evidence): Explanation {
  const { claim } = evidence;
  const missing = claim ? claimNames(evidence).find((name) => claim(name) === undefined) : undefined;
  const told = conditionOf(evidence, 'Failure')?.message ?? conditionOf(evidence, 'Synchronized')?.message;
  return {
    tone: 'bad',
    sentence: missing === undefined ? sentence(told || 'A disk that it uses does not exist') : `Its disk “${missing}” does not exist.`,
    next: 'Create a disk of that name, or detach it from the machine.',
  };
}
