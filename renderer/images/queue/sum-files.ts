/** Lists of checksums that are dropped or chosen beside images. */
import { isSumFile } from '#shared/images/sums.ts';
import { connection } from '../../state/connection.svelte.ts';
import { toasts } from '../../state/toasts.svelte.ts';

/** Reads those that are lists of sums. @returns the others */
export function takeSumFiles(files: Iterable<File>): File[] {
  const [sums, others]: [File[], File[]] = [[], []];
  for (const file of files) (isSumFile(file) ? sums : others).push(file);
  for (const file of sums) void readSumFile(file, others.length === 0).catch((error: unknown) => toasts.failed(error));
  return others;
}

/** @param alone whether nothing came with it, so that its effect is to be told */
async function readSumFile(file: File, alone: boolean): Promise<void> {
  const { fileNames } = await connection.call('images.expectSums', { text: await file.text() });
  if (!alone) return;
  if (fileNames.length > 0) toasts.done(`${file.name} has the checksum of ${fileNames.join(', ')}.`);
  else toasts.done(`The checksums in ${file.name} are kept for the images that you upload next.`);
}
