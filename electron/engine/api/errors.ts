/** Failures as the Kubernetes API tells them (`metav1.Status`). */
import type { Status, StatusCause, StatusDetails } from '#shared/kube/object.ts';

/** Thrown by anything that serves a request; the server writes it as a Status with `code` as the HTTP code. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;
  /** Of the HTTP answer, beside those that every failure has. */
  headers?: Record<string, string>;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** Names a kind for error texts: what ResourceDefinition has, too. */
export interface ResourceName {
  group: string;
  plural: string;
  kind: string;
}

const qualified = (of: ResourceName): string => (of.group === '' ? of.plural : `${of.plural}.${of.group}`);
const detailsOf = (of: ResourceName, name: string): StatusDetails => ({ name, group: of.group, kind: of.plural });

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);
export const unauthorized = (): ApiError => new ApiError(401, 'Unauthorized', 'Unauthorized');
export const notFound = (of: ResourceName, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${qualified(of)} "${name}" not found`, detailsOf(of, name));
export const alreadyExists = (of: ResourceName, name: string): ApiError =>
  new ApiError(409, 'AlreadyExists', `${qualified(of)} "${name}" already exists`, detailsOf(of, name));
export const conflict = (of: ResourceName, name: string, message: string): ApiError =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${message}`,
    detailsOf(of, name),
  );
export const gone = (message: string): ApiError => new ApiError(410, 'Expired', message);
export const internalError = (message: string): ApiError => new ApiError(500, 'InternalError', message);

/**
 * 422 with a cause for each field.
 * @param causes `field` is the dotted path, `message` says what is wrong with it
 */
export function invalid(of: ResourceName, name: string, causes: StatusCause[]): ApiError {
  const texts = causes.map((cause) => (cause.field ? `${cause.field}: ${cause.message}` : (cause.message ?? '')));
  const list = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const group = of.group === '' ? of.kind : `${of.kind}.${of.group}`;
  return new ApiError(422, 'Invalid', `${group} "${name}" is invalid: ${list}`, {
    name,
    group: of.group,
    kind: of.kind,
    causes,
  });
}
