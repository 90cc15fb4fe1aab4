/** What a Kubernetes API server, or the way to it, has against a request, in our own words and codes. */
import { HayloftError, errorCode, type ErrorCode } from '#shared/contract/errors.ts';
import type { Status, StatusCause } from '#shared/kube/object.ts';

/** Kubernetes' reasons (apimachinery's `metav1.StatusReason`); more exact than the HTTP code where both are given. */
const byReason: Record<string, ErrorCode> = {
  AlreadyExists: 'already-exists',
  Conflict: 'conflict',
  Expired: 'conflict',
  Forbidden: 'forbidden',
  Invalid: 'invalid',
  NotFound: 'not-found',
  Timeout: 'timeout',
  Unauthorized: 'unauthorized',
  BadRequest: 'bad-input',
  RequestEntityTooLarge: 'too-large',
  TooManyRequests: 'timeout',
  ServiceUnavailable: 'unreachable',
  InsufficientStorage: 'no-space',
};

const byHttpStatus: Record<number, ErrorCode> = {
  400: 'bad-input',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  408: 'timeout',
  409: 'conflict',
  413: 'too-large',
  422: 'invalid',
  429: 'timeout',
  502: 'unreachable',
  503: 'unreachable',
  504: 'timeout',
  507: 'no-space',
};

/** Kubernetes' "priority and fairness" answers with it; nothing was done then, whatever was asked. */
export const tooMany = 429;
const longestRetryAfterMs = 60_000;

const hints: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'The credentials in the kubeconfig are not valid any more. Get a new kubeconfig from the cluster.',
  forbidden: 'The user of this kubeconfig may not do this. Ask the cluster’s administrator.',
  'no-space': 'Free some space on the disk and try again.',
  conflict: 'Somebody else changed it in the meantime. Look at it again, then repeat what you wanted to do.',
};

/** The server answered, and the answer is no. */
export class AnswerError extends HayloftError {
  readonly httpStatus: number;
  /** Whether the server said with our own code what is wrong; only Hayloft's engine does. */
  readonly named: boolean;
  /** How long the server asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    answer: { httpStatus: number; named: boolean; retryAfterMs?: number | undefined },
    ...error: ConstructorParameters<typeof HayloftError>
  ) {
    super(...error);
    this.httpStatus = answer.httpStatus;
    this.named = answer.named;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

/**
 * @param httpStatus the answer's status code
 * @param body the answer's text; a `metav1.Status`, where the server keeps to the rules
 * @param retryAfter the answer's `Retry-After` header
 */
export function errorFromAnswer(httpStatus: number, body: string, retryAfter?: string): AnswerError {
  const status = parseStatus(body);
  const retryAfterMs = retryAfterOf(retryAfter) ?? retryAfterOf(status?.details?.retryAfterSeconds?.toString());
  const cause = status?.details?.causes?.[0];
  const named = errorCode.safeParse(cause?.reason);
  const code = named.success ? named.data : (byReason[status?.reason ?? ''] ?? byHttpStatus[httpStatus] ?? 'internal');
  const message = messageOf(httpStatus, body, status, cause);
  // The engine puts what to do in the cause, beside the message that says what happened.
  const advice = named.success && cause?.field === undefined && cause?.message !== status?.message ? cause?.message : undefined;
  const hint = advice ?? hints[code];
  return new AnswerError({ httpStatus, named: named.success, retryAfterMs }, code, message, {
    retryable: code === 'timeout' || httpStatus === tooMany || (httpStatus >= 500 && httpStatus !== 507),
    ...(hint === undefined ? {} : { hint }),
    ...(cause?.field === undefined ? {} : { field: cause.field }),
  });
}

/** Seconds or a date (RFC 9110, 10.2.3); never longer than a person would wait for. */
function retryAfterOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return ms > 0 ? Math.min(ms, longestRetryAfterMs) : undefined;
}

function messageOf(httpStatus: number, body: string, status: Status | undefined, cause: StatusCause | undefined): string {
  if (cause?.field !== undefined && cause.message !== undefined) return plainWords(cause.message);
  if (status?.message) return status.message;
  if (httpStatus === tooMany) return 'The server has too much to do, and asks to be left alone for a while.';
  const text = body.trim();
  const isProse = text !== '' && text.length < 300 && !text.startsWith('<') && !text.startsWith('{');
  return isProse ? text : `The server answered with HTTP status ${httpStatus}.`;
}

/** A field's error without the API's own preface: `Invalid value: "x": must be …` becomes `Must be …`. */
function plainWords(text: string): string {
  const detail = text.replace(/^[A-Z][a-z]+(?: [a-z]+)?: (?:(?:"(?:[^"\\]|\\.)*"|[\d.]+|true|false|null|\{.*\}|\[.*\]): )?/, '');
  const sentence = detail.charAt(0).toUpperCase() + detail.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

function parseStatus(body: string): Status | undefined {
  try {
    const parsed = JSON.parse(body) as Partial<Status> | null;
    return parsed?.kind === 'Status' ? (parsed as Status) : undefined;
  } catch {
    return undefined;
  }
}

const tlsCodes = /^(ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(VERIFY|GET_ISSUER))/;
const lostCodes = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNABORTED']);

/**
 * @param error what the socket failed with, or the parser of what was cut off; a HayloftError is passed through
 * @param server the address that was asked, for the message
 */
export function errorFromNetwork(error: unknown, server: string): HayloftError {
  if (error instanceof HayloftError) return error;
  const { code, name, message } = error as Error & { code?: string };
  const { host } = new URL(server);
  if (tlsCodes.test(code ?? '')) {
    return new HayloftError('untrusted', `The certificate of ${host} is not the one that the kubeconfig vouches for.`, {
      hint: 'If the cluster was set up anew, get its new kubeconfig. If not, something stands between you and it.',
      cause: error,
    });
  }
  if (code === 'ETIMEDOUT' || name === 'TimeoutError') return noAnswer(server, error);
  if (error instanceof SyntaxError) return cutOff(server, error);
  if (lostCodes.has(code ?? '')) {
    return new HayloftError('connection-lost', `The connection to ${host} was lost.`, {
      hint: 'Check that the machine is on and the network is up, then try again.',
      retryable: true,
      cause: error,
    });
  }
  return new HayloftError('unreachable', `${host} cannot be reached (${code ?? message}).`, {
    hint: 'Check that the machine is on and the network is up. Hayloft keeps trying.',
    retryable: true,
    cause: error,
  });
}

export function noAnswer(server: string, cause?: unknown): HayloftError {
  return new HayloftError('timeout', `${new URL(server).host} did not answer in time.`, {
    hint: 'It may be busy, or the network slow. Try again.',
    retryable: true,
    cause,
  });
}

/** What came begins as it should and does not end so. */
export function cutOff(server: string, cause: unknown): HayloftError {
  return new HayloftError('connection-lost', `An answer of ${new URL(server).host} was cut off on its way.`, {
    hint: 'The network, or something between here and the cluster, loses data. Try again.',
    retryable: true,
    cause,
  });
}
