/** What a list or a watch asks for. Rules: Kubernetes API concepts, "resource versions" and "streaming lists". */
import type { ApiStore, ListRequest } from '../../store/api-store.ts';
import { ApiError, badRequest, invalid } from '../errors.ts';
import { flagOf } from '../http/query.ts';
import type { Target } from '../http/target.ts';
import { matcherOf } from '../selectors/matcher.ts';

const listOptions = { group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' };
/** What can be said to the timers of Node. */
const longestSeconds = 2 ** 31 / 1000 - 1;

export interface WatchOptions {
  /** The revision to go on from; undefined: from now. */
  since: string | undefined;
  /** Whether what is there already comes first, as ADDED. */
  initialEvents: boolean;
  /** Whether the end of the initial events is marked. */
  initialMark: boolean;
  bookmarks: boolean;
  /** 0: until somebody ends it. */
  timeoutMs: number;
}

/** @throws ApiError 400, 422, and 504 for a revision that is yet to come */
export function watchOptionsOf(store: ApiStore, query: URLSearchParams): WatchOptions {
  const asked = query.get('resourceVersion') ?? '';
  const fromNow = asked === '' || asked === '0';
  const streamed = query.has('sendInitialEvents') ? flagOf(query, 'sendInitialEvents') : undefined;
  const match = query.get('resourceVersionMatch') ?? '';
  if (streamed === undefined && match !== '') {
    throw forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  }
  if (streamed !== undefined && match !== 'NotOlderThan') {
    throw forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  if (streamed === true && !fromNow) checkNotAhead(store, asked);
  const bookmarks = flagOf(query, 'allowWatchBookmarks');
  return {
    since: fromNow ? undefined : asked,
    initialEvents: streamed ?? fromNow,
    initialMark: streamed === true && bookmarks,
    bookmarks,
    timeoutMs: countOf(query, 'timeoutSeconds', longestSeconds) * 1000,
  };
}

/** @throws ApiError 400, 410, 422, and 504 for a revision that is yet to come (client-go then lists without one) */
export function listRequestOf(store: ApiStore, target: Target, query: URLSearchParams): ListRequest {
  const request: ListRequest = {};
  if (target.namespace !== undefined) request.namespace = target.namespace;
  const matches = matcherOf(query, target.name);
  if (matches) request.matches = matches;
  const limit = countOf(query, 'limit', Number.MAX_SAFE_INTEGER);
  if (limit > 0) request.limit = limit;
  const token = query.get('continue');
  if (token) request.continue = token;
  const revision = revisionOf(store, query, limit > 0);
  if (revision !== undefined) request.revision = revision;
  return request;
}

/**
 * A list shows what is now, which serves whoever asks for anything at least as new as a revision.
 * @returns the revision that is asked for exactly
 */
function revisionOf(store: ApiStore, query: URLSearchParams, chunked: boolean): string | undefined {
  const asked = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  if (query.has('sendInitialEvents')) throw forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list');
  if (match !== '') {
    if (query.get('continue')) throw forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
    if (asked === '') throw forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      const message = `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`;
      throw invalid(listOptions, '', [{ reason: 'FieldValueNotSupported', field: 'resourceVersionMatch', message }]);
    }
    if (match === 'Exact' && asked === '0') {
      throw forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (asked === '' || asked === '0') return undefined;
  if (query.get('continue')) throw badRequest('specifying resource version is not allowed when using continue');
  checkNotAhead(store, asked);
  // A chunk without a word about the match is of exactly that revision: so it was before there were words for it.
  return match === 'Exact' || (match === '' && chunked) ? asked : undefined;
}

function checkNotAhead(store: ApiStore, asked: string): void {
  if (!/^\d{1,15}$/.test(asked)) throw badRequest(`Invalid resourceVersion: "${asked}" is not a number.`);
  if (Number(asked) <= Number(store.resourceVersion)) return;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
  const message = `Too large resource version: ${asked}, current: ${store.resourceVersion}`;
  throw new ApiError(504, 'Timeout', message, { causes, retryAfterSeconds: 1 });
}

function countOf(query: URLSearchParams, name: string, highest: number): number {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  if (!/^\d{1,16}$/.test(text)) throw badRequest(`${name}=${text} is no count`);
  return Math.min(Number(text), highest);
}

const forbidden = (field: string, message: string): ApiError =>
  invalid(listOptions, '', [{ reason: 'FieldValueForbidden', field, message: `Forbidden: ${message}` }]);
