/** Errors meant for a person. Free of zod, so that the engine, which is to stay small in memory, can throw them, too. */

export const errorCodes = [
  'bad-input',
  'not-found',
  'already-exists',
  'conflict',
  'invalid',
  'unauthorized',
  'forbidden',
  'unreachable',
  'untrusted',
  'timeout',
  'cancelled',
  'no-space',
  'too-large',
  'not-an-image',
  'truncated',
  'not-running',
  'no-graphics',
  'no-serial',
  'taken-over',
  'engine-missing-qemu',
  'engine-not-running',
  'port-taken',
  'unsupported',
  'connection-lost',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error as it crosses the channel. */
export interface ErrorData {
  code: ErrorCode;
  /** What happened, as a sentence for a person. */
  message: string;
  /** What to do about it. */
  hint?: string | undefined;
  /** Whether the same request may work later, unchanged. */
  retryable: boolean;
  /** The input field that is at fault (a dotted path), so that a form can point at it. */
  field?: string | undefined;
}

/** An error meant for a person. Thrown by handlers, rebuilt on the other side of the channel. */
export class HayloftError extends Error {
  override readonly name = 'HayloftError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly field: string | undefined;

  /**
   * @param code what kind of failure, for programs
   * @param message what happened, for people
   * @param options hint: what to do; retryable: may the same request work later (default false);
   *   field: the input field at fault; cause: the error underneath, kept for the log
   */
  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; retryable?: boolean; field?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
    this.field = options.field;
  }

  /** The error as it goes over the channel. */
  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      retryable: this.retryable,
      ...(this.field === undefined ? {} : { field: this.field }),
    };
  }

  static fromData(data: ErrorData): HayloftError {
    return new HayloftError(data.code, data.message, data);
  }
}

/** Any thrown value as a {@link HayloftError}; what is not one becomes `internal`, its text kept. */
export function asHayloftError(error: unknown): HayloftError {
  if (error instanceof HayloftError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new HayloftError('internal', `Something went wrong inside Hayloft: ${text}`, {
    hint: 'This is a fault in Hayloft. The log in the data folder has the details.',
    cause: error,
  });
}
