/** Writing answers. */
import type { ServerResponse } from 'node:http';
import type { Status } from '#shared/kube/object.ts';
import type { Log } from '../../context.ts';
import { ApiError, internalError } from '../errors.ts';

export interface Answer {
  status: number;
  /** Written as JSON; bytes are written as they are; absent: an empty body. */
  body?: unknown;
  contentType?: string;
  headers?: Record<string, string | string[]>;
}

export function respond(response: ServerResponse, answer: Answer): void {
  const bytes = bytesOf(answer.body);
  response.writeHead(answer.status, {
    'cache-control': 'no-cache, private',
    ...(bytes === undefined ? {} : { 'content-type': answer.contentType ?? 'application/json' }),
    'content-length': bytes?.length ?? 0,
    ...answer.headers,
  });
  response.end(bytes);
}

function bytesOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(JSON.stringify(body));
}

/** What went wrong, as a Status. What is not an ApiError is a fault of ours: it is logged, and the client told little. */
export function statusOf(error: unknown, log: Log, about: string): Status & { code: number } {
  const known = error instanceof ApiError ? error : undefined;
  if (!known) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('A request failed unexpectedly', { request: about, error: text });
  }
  const told = known ?? internalError('Internal error occurred: see the engine’s log for what happened.');
  return { ...told.toStatus(), code: told.code };
}

export const noSuchPath = (): ApiError =>
  new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});

/** @param allowed what can be asked there instead; comes with the answer, as HTTP wants it */
export function methodNotAllowed(method: string | undefined, allowed: readonly string[] = []): ApiError {
  const error = new ApiError(405, 'MethodNotAllowed', `the server does not allow the method ${method ?? ''} on the requested resource`);
  if (allowed.length > 0) error.headers = { allow: allowed.join(', ') };
  return error;
}

/** What a failure says beside its Status. */
export function headersOf(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  const { retryAfterSeconds } = error.details ?? {};
  return { ...error.headers, ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }) };
}

/** As RFC 7234 has it; Kubernetes' clients show the text to people. */
export function warningHeaders(warnings: readonly string[]): Record<string, string[]> {
  if (warnings.length === 0) return {};
  const values = warnings.map((text) => {
    const printable = text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 1000);
    return `299 - "${printable.replaceAll(/["\\]/g, '\\$&')}"`;
  });
  return { warning: values };
}
