/** What is said when a file is not the one any more whose upload began, wherever that is noticed. */
import { HayloftError } from '../contract/hayloft-error.ts';

/** @param cause what was found instead of it, for the log */
export const fileChanged = (cause?: unknown): HayloftError =>
  new HayloftError('truncated', 'The file changed while it was being uploaded.', {
    hint: 'Wait until nothing writes to it any more, then upload it again.',
    retryable: true,
    cause,
  });
