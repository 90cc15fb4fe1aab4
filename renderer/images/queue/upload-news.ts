/** What is told of uploads to somebody who looks elsewhere. Pure. */
import type { Upload } from '#shared/contract/images.ts';
import { formatBytes } from '#shared/format/units.ts';

/** Steps in which progress is shown on the dock or taskbar: finer ones nobody sees. */
const steps = 100;

export const isGoing = (state: Upload['state']): boolean => state !== 'done' && state !== 'failed' && state !== 'cancelled';

/** @returns how much of all that goes on is sent, from 0 to 1, in hundredths; undefined while nothing goes on */
export function shareOf(uploads: readonly Upload[]): number | undefined {
  const going = uploads.filter(({ state }) => isGoing(state));
  const total = going.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
  if (total === 0) return undefined;
  return Math.floor((going.reduce((sum, { sentBytes }) => sum + sentBytes, 0) / total) * steps) / steps;
}

/** @returns what to say of one that has ended; undefined where the person knows, or it goes on */
export function newsOf({ state, fileName, totalBytes, error }: Upload): { title: string; body: string } | undefined {
  if (state === 'done') return { title: `${fileName} is ready`, body: `${formatBytes(totalBytes)} uploaded.` };
  if (state === 'failed') return { title: `${fileName} could not be uploaded`, body: error?.message ?? '' };
  return undefined;
}
