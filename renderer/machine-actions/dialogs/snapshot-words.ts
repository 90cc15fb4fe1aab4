/** What a snapshot is, in words. */
import type { Snapshot } from '#shared/contract/machine-actions.ts';
import { formatAge, formatBytes } from '#shared/format/units.ts';

/** KubeVirt's indications. `Online` is told by the others, which come with it. */
const words: Readonly<Record<string, string | undefined>> = {
  GuestAgent: 'taken while it ran; its agent held the file systems still',
  NoGuestAgent: 'taken while it ran, as after a power cut',
  QuiesceTimeout: 'taken while it ran; its agent was asked to hold still and did not in time',
  Paused: 'taken while it was paused, as after a power cut',
  PartialSnapshot: 'without some of its disks',
};

/** One sentence on how it came about. */
export function howTaken({ indications }: Pick<Snapshot, 'indications'>): string {
  const said = indications.map((indication) => words[indication]).filter((text) => text !== undefined);
  const text = said.length > 0 ? said.join('; ') : indications.includes('Online') ? 'taken while it ran' : 'taken while it was off';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Why it cannot be used now. */
export function whySnapshotNot({ state, reason }: Pick<Snapshot, 'state' | 'reason'>): string | undefined {
  switch (state) {
    case 'ready':
      return undefined;
    case 'taking':
      return 'It is still being taken.';
    case 'deleting':
      return 'It is being deleted.';
    case 'failed':
      return `It failed${reason === undefined ? '.' : `: ${reason}`}`;
  }
}

/** For a list of snapshots. */
export function aboutSnapshot(snapshot: Snapshot, now: number): { text: string; note: string } {
  const { description, excluded, sizeBytes, taken } = snapshot;
  const missing = excluded.length === 0 ? undefined : `Not in it: ${excluded.join(', ')}.`;
  const text = [description, whySnapshotNot(snapshot) ?? howTaken(snapshot), missing].filter(Boolean).join(' · ');
  const size = sizeBytes === undefined ? '' : `, ${formatBytes(sizeBytes)}`;
  return { text, note: `${formatAge(taken, now)}${size}` };
}
