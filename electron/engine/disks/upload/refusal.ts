/** How the upload proxy says no: `metav1.Status`, with the code of a HayloftError in `details.causes[0].reason`. */
import { asHayloftError, type ErrorCode } from '#shared/contract/hayloft-error.ts';
import { ApiError } from '../../api/errors.ts';

const answers: Partial<Record<ErrorCode, [status: number, reason: string]>> = {
  'not-an-image': [400, 'BadRequest'],
  unsupported: [400, 'BadRequest'],
  truncated: [400, 'BadRequest'],
  'too-large': [400, 'BadRequest'],
  'bad-input': [400, 'BadRequest'],
  unauthorized: [401, 'Unauthorized'],
  conflict: [409, 'Conflict'],
  cancelled: [409, 'Conflict'],
  'not-found': [503, 'ServiceUnavailable'],
  unreachable: [503, 'ServiceUnavailable'],
  'no-space': [507, 'InsufficientStorage'],
};

/** Any failure as the Status to answer with. The hint stands in the cause's message. */
export function asRefusal(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const { code, message, hint } = asHayloftError(error);
  const [status, reason] = answers[code] ?? [500, 'InternalError'];
  const text = status === 500 ? `Saving stream failed: ${message}` : message;
  return new ApiError(status, reason, text, { causes: [{ reason: code, message: hint ?? message }] });
}

/** A refusal that says to come back later. */
export const unavailable = (message: string): ApiError =>
  new ApiError(503, 'ServiceUnavailable', message, { causes: [{ reason: 'conflict', message }] });
