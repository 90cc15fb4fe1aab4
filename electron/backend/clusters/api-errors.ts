/** What a Kubernetes API server, or the way to it, has against a request, in our own words and codes. */
import { HayloftError, errorCode, type ErrorCode } from '#shared/contract/errors.ts';
import type { Status } from '#shared/kube/object.ts';

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
  InsufficientStorage: 'no-space',
};

const byHttpCode: Record<number, ErrorCode> = {
  400: 'bad-input',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  413: 'too-large',
  422: 'invalid',
  504: 'timeout',
  507: 'no-space',
};

const hints: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'The credentials in the kubeconfig are no longer valid. Get a new kubeconfig from the cluster.',
  forbidden: 'The user of this kubeconfig may not do this. Ask the cluster’s administrator.',
  'no-space': 'Free some space on the disk and try again.',
};

/**
 * @param httpCode the answer's status
 * @param body the answer's text; a `metav1.Status`, where the server keeps to the rules
 */
export function errorFromAnswer(httpCode: number, body: string): HayloftError {
  const status = parseStatus(body);
  const cause = status?.details?.causes?.[0];
  // Hayloft's engine names our own codes, so that nothing needs to be read out of a sentence.
  const named = errorCode.safeParse(cause?.reason);
  const code = named.success ? named.data : (byReason[status?.reason ?? ''] ?? byHttpCode[httpCode] ?? 'internal');
  const message = cause?.message ?? status?.message ?? (body.trim() || `The server answered with HTTP status ${httpCode}.`);
  const options: { hint?: string; field?: string; retryable: boolean } = { retryable: httpCode >= 500 && httpCode !== 507 };
  const hint = named.success && status?.message !== message ? status?.message : hints[code];
  if (hint !== undefined) options.hint = hint;
  if (cause?.field !== undefined) options.field = cause.field;
  return new HayloftError(code, message, options);
}

function parseStatus(body: string): Status | undefined {
  try {
    const parsed = JSON.parse(body) as Status;
    return parsed.kind === 'Status' ? parsed : undefined;
  } catch {
    return undefined;
  }
}

const tlsCodes = /^(ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(VERIFY|GET_ISSUER))/;

/** @param error what the socket failed with */
export function errorFromNetwork(error: Error & { code?: string }, server: string): HayloftError {
  const host = new URL(server).host;
  if (tlsCodes.test(error.code ?? '')) {
    return new HayloftError('untrusted', `The certificate of ${host} is not the one that the kubeconfig vouches for.`, {
      hint: 'If the cluster was set up anew, get its new kubeconfig. If not, something stands between you and it.',
      cause: error,
    });
  }
  if (error.code === 'ETIMEDOUT' || error.name === 'TimeoutError') {
    return new HayloftError('timeout', `${host} did not answer in time.`, { retryable: true, cause: error });
  }
  return new HayloftError('unreachable', `${host} cannot be reached (${error.code ?? error.message}).`, {
    hint: 'Check that the machine is on and the network is up. Hayloft keeps trying.',
    retryable: true,
    cause: error,
  });
}
