/** What people said that files' sums should be: of an upload in the list, or of files by their names. */
import { HayloftError } from '#shared/contract/errors.ts';
import type { Upload } from '#shared/contract/images.ts';
import { readSums, sumFor } from '#shared/images/sums.ts';

/** Names of files that are remembered: those of a few lists. */
const mostNames = 10_000;

export class WantedSums {
  readonly #byName = new Map<string, string>();

  of(fileName: string): string | undefined {
    return this.#byName.get(fileName);
  }

  /**
   * @param text sums as pasted, or a list of them
   * @param uploads those that it may be meant for
   * @param only whether it was said of these uploads, and of nothing else
   * @returns the sum for each upload that is meant. Throws HayloftError `bad-input` when there is none in the text.
   */
  read(text: string, uploads: readonly Upload[], only: boolean): Map<string, string> {
    const sums = readSums(text);
    if (sums.byName.size === 0 && (sums.alone === undefined || !only)) {
      throw new HayloftError('bad-input', 'There is no SHA-256 in it: 64 characters, digits and letters from a to f.', { field: 'text' });
    }
    if (!only && this.#byName.size < mostNames) for (const [name, sum] of sums.byName) this.#byName.set(name, sum);
    const found = new Map<string, string>();
    for (const { id, fileName } of uploads) {
      const sum = sumFor(sums, fileName);
      if (sum !== undefined) found.set(id, sum);
    }
    if (only && found.size === 0) throw new HayloftError('bad-input', `The list has no line for ${uploads[0]?.fileName ?? 'this file'}.`, { field: 'text' });
    return found;
  }
}

/** @throws HayloftError when a file has another sum than it should */
export function refuseOtherSum(fileName: string, sha256: string, wanted: string | undefined): void {
  if (wanted === undefined || wanted === sha256) return;
  throw new HayloftError('not-an-image', `The SHA-256 of ${fileName} is ${sha256}, and should be ${wanted}.`, {
    hint: 'It was damaged on its way to this computer, or is another version of the file. Download it again.',
  });
}
