/** watch: changes as they come, a JSON object a line. Source: Kubernetes API concepts. */
import type { ServerResponse } from 'node:http';
import type { KubeObject, WatchEvent } from '#shared/kube/object.ts';
import type { Matcher, StoredChange, WatchRequest } from '../../store/api-store.ts';
import { ApiError, badRequest } from '../errors.ts';
import { negotiate } from '../http/negotiation.ts';
import { metadataOnly } from '../representation/partial-metadata.ts';
import { includeObjectOf, tableOf } from '../representation/table.ts';
import { matcherOf } from '../selectors/matcher.ts';
import type { ReadContext } from './read.ts';

const bookmarkMs = 60_000;
/** A client that has this much waiting for it does not read: it is let go, and may come again. */
const backlogBytes = 16 * 1024 * 1024;
const initialEventsEnd = 'k8s.io/initial-events-end';

/** Serves the watch until the client goes or its time is over. */
export function watch(context: ReadContext, response: ServerResponse): void {
  const { store, definition, target, query, request } = context;
  const matches = matcherOf(query, target.name) ?? ((): boolean => true);
  const encode = encoderOf(context);
  const timeoutSeconds = Number(query.get('timeoutSeconds') ?? 0);
  if (Number.isNaN(timeoutSeconds)) throw badRequest('timeoutSeconds is no number');

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const send = (event: WatchEvent): void => {
    response.write(`${JSON.stringify(encode(event))}\n`);
    if (response.writableLength > backlogBytes) response.destroy();
  };
  const bookmark = (annotations?: Record<string, string>): void => {
    const { group, version, kind } = definition;
    const metadata = { resourceVersion: store.resourceVersion, ...(annotations ? { annotations } : {}) };
    send({ type: 'BOOKMARK', object: { kind, apiVersion: group === '' ? version : `${group}/${version}`, metadata } });
  };

  const scope: Pick<WatchRequest, 'namespace'> = target.namespace === undefined ? {} : { namespace: target.namespace };
  const asked = query.get('resourceVersion') ?? '';
  const initial = query.get('sendInitialEvents') === 'true' || (query.get('sendInitialEvents') === null && (asked === '' || asked === '0'));
  let since = asked;
  if (initial || asked === '' || asked === '0') {
    const { items, resourceVersion } = store.list(definition, { ...scope, matches });
    since = resourceVersion;
    if (initial) for (const object of items) send({ type: 'ADDED', object });
    if (query.get('sendInitialEvents') === 'true') bookmark({ [initialEventsEnd]: 'true' });
  }

  let stop: () => void = () => undefined;
  try {
    stop = store.watch(definition, { ...scope, since }, (change) => {
      const event = eventOf(change, matches);
      if (event) send(event);
    });
  } catch (error) {
    // By now the head is out: what is wrong comes as an event, as from Kubernetes.
    if (!(error instanceof ApiError)) throw error;
    response.end(`${JSON.stringify({ type: 'ERROR', object: error.toStatus() })}\n`);
    return;
  }
  const bookmarks = query.get('allowWatchBookmarks') === 'true' ? setInterval(bookmark, bookmarkMs) : undefined;
  const limit = timeoutSeconds > 0 ? setTimeout(() => response.end(), timeoutSeconds * 1000) : undefined;
  const end = (): void => {
    stop();
    clearInterval(bookmarks);
    clearTimeout(limit);
  };
  response.on('close', end);
  request.on('close', end);
}

/** What a change means to someone who sees only what matches: things may come into and go out of view. */
function eventOf({ type, object, old }: StoredChange, matches: Matcher): WatchEvent | undefined {
  const now = type !== 'DELETED' && matches(object);
  const before = type === 'DELETED' ? matches(object) : old !== undefined && matches(old);
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', object };
  return before ? { type: 'DELETED', object } : undefined;
}

function encoderOf({ definition, query, request }: ReadContext): (event: WatchEvent) => unknown {
  const { representation } = negotiate(request.headers.accept);
  if (representation === 'object') return (event) => event;
  if (representation === 'metadata') return ({ type, object }) => ({ type, object: metadataOnly(object) });
  const includeObject = includeObjectOf(query);
  let headers = true;
  return ({ type, object }) => {
    const rows: KubeObject[] = type === 'BOOKMARK' ? [] : [object];
    const { resourceVersion = '' } = object.metadata;
    const table = tableOf(definition, rows, { resourceVersion }, { includeObject, headers });
    headers = false;
    return { type, object: table };
  };
}
