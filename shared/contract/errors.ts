/** Errors as they cross the channel: as data, with a code to act on and words to show. */
import { z } from 'zod';
import { errorCodes, type ErrorData } from './hayloft-error.ts';

export { asHayloftError, errorCodes, HayloftError, type ErrorCode, type ErrorData } from './hayloft-error.ts';

export const errorCode = z.enum(errorCodes);

export const errorData: z.ZodType<ErrorData> = z.object({
  code: errorCode,
  message: z.string(),
  hint: z.string().optional(),
  retryable: z.boolean(),
  field: z.string().optional(),
});
