/** Files that end before their own header says they do. */
import { sizeInWords } from './bytes.ts';
import type { ImageFinding } from './finding.ts';

/**
 * Adds what is known about the file's length to a finding.
 * @param expectedBytes what the file must at least be
 * @param sizeBytes what it is; undefined while nobody knows
 */
export function withExpectedSize(
  finding: ImageFinding,
  expectedBytes: number,
  sizeBytes: number | undefined,
): ImageFinding {
  if (sizeBytes === undefined || sizeBytes >= expectedBytes) return { ...finding, expectedSizeBytes: expectedBytes };
  return {
    ...finding,
    truncated: true,
    expectedSizeBytes: expectedBytes,
    problem: finding.problem ?? {
      code: 'truncated',
      message: `The file is incomplete: it has ${sizeInWords(sizeBytes)} and should have ${sizeInWords(expectedBytes)}.`,
      hint: 'Download or copy it again, and compare its checksum with the publisher’s before you use it.',
    },
  };
}
