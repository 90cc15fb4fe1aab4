/** What a request of a resumable upload asks for, in its headers. */
import type { IncomingMessage } from 'node:http';
import { isAbsolute } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { isLocal } from '../../api/http/local.ts';
import type { SourceFile } from '../populate/copy-image.ts';

/**
 * A sender of the same user on the same computer need not send the bytes: it names the file, and when that last changed
 * (in milliseconds since 1970), and asks with the first of these how far its copy has come.
 */
export const SOURCE_HEADER = 'upload-source';
const MODIFIED_HEADER = 'upload-source-modified';

export interface Asked {
  offset: number;
  /** Whether the file ends with this request. */
  complete: boolean;
  length: number | undefined;
  /** `sha-256=:BASE64:` of the whole file. */
  digest: string | undefined;
  /** Where the bytes come from when not from the request. */
  source: SourceFile | undefined;
}

/** @throws HayloftError `bad-input` that names the header */
export function readHeaders(request: IncomingMessage): Asked {
  const { headers } = request;
  const number = (name: string): number | undefined => {
    const text = headers[name];
    if (text === undefined) return undefined;
    if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) throw refusedHeader(name, 'must be a whole number');
    return Number(text);
  };
  const offset = number('upload-offset');
  const complete = headers['upload-complete'];
  if (offset === undefined) throw refusedHeader('upload-offset', 'is needed: ask for it with HEAD');
  if (complete !== '?0' && complete !== '?1') throw refusedHeader('upload-complete', 'must be ?1 where the file ends with this request, else ?0');
  const source = readSource(request);
  const declared = source === undefined ? number('content-length') : undefined;
  const isLast = complete === '?1';
  const length = number('upload-length') ?? (isLast && declared !== undefined ? offset + declared : undefined);
  if (isLast && declared !== undefined && length !== offset + declared) throw refusedHeader('upload-length', 'must be where this request ends');
  const digests = headers['repr-digest'];
  const digest = typeof digests === 'string' ? /(?:^|,\s*)(sha-256=:[A-Za-z0-9+/=]{44}:)/.exec(digests)?.[1] : undefined;
  if (digests !== undefined && digest === undefined) throw refusedHeader('repr-digest', 'must have a sha-256');
  if (source !== undefined && !isLast) throw refusedHeader('upload-complete', 'must be ?1 where a file is named');
  return { offset, complete: isLast, length, digest, source };
}

function readSource(request: IncomingMessage): SourceFile | undefined {
  const { [SOURCE_HEADER]: source, [MODIFIED_HEADER]: modified } = request.headers;
  if (source === undefined) return undefined;
  if (!isLocal(request)) throw refusedHeader(SOURCE_HEADER, 'is for programs of this computer');
  const path = typeof source === 'string' ? decoded(source) : '';
  const modifiedMs = Number(modified);
  if (!isAbsolute(path) || path.includes('\0')) throw refusedHeader(SOURCE_HEADER, 'must be a whole path, percent-encoded');
  if (!Number.isFinite(modifiedMs)) throw refusedHeader(MODIFIED_HEADER, 'must be a number of milliseconds');
  return { path, modifiedMs };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

export const refusedHeader = (name: string, rule: string): HayloftError =>
  new HayloftError('bad-input', `The header ${name} ${rule}.`, { hint: 'The headers are those of the IETF’s resumable uploads.' });
