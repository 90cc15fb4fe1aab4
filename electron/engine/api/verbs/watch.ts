/** watch: changes as they come, a JSON object a line. Source: Kubernetes API concepts. */
import type { ServerResponse } from 'node:http';
import type { KubeObject, WatchEvent } from '#shared/kube/object.ts';
import type { ListRequest, Matcher, StoredChange } from '../../store/api-store.ts';
import { apiVersionOf } from '../definition.ts';
import { ApiError } from '../errors.ts';
import { negotiate } from '../http/negotiation.ts';
import { metadataOnly } from '../representation/partial-metadata.ts';
import { includeObjectOf, tableOf } from '../representation/table.ts';
import { matcherOf } from '../selectors/matcher.ts';
import { watchOptionsOf } from './list-options.ts';
import type { ReadContext } from './read.ts';

const bookmarkMs = 60_000;
/** A client that lets this much wait for it does not read: it is let go, and may come again. */
const backlogBytes = 16 * 1024 * 1024;
const initialEventsEnd = 'k8s.io/initial-events-end';

/**
 * Serves the watch until the client goes or its time is over.
 * @returns ends it
 */
export function watch(context: ReadContext, response: ServerResponse): () => void {
  const { store, definition, target, query } = context;
  const matches = matcherOf(query, target.name);
  const options = watchOptionsOf(store, query);
  const encode = encoderOf(context);
  const scope: ListRequest = target.namespace === undefined ? {} : { namespace: target.namespace };

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  const send = (event: WatchEvent): void => {
    if (response.writable) response.write(encode(event));
  };
  const bookmark = (annotations?: Record<string, string>): void => {
    const metadata = { resourceVersion: store.resourceVersion, ...(annotations ? { annotations } : {}) };
    send({ type: 'BOOKMARK', object: { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata } });
  };

  let stop: () => void = () => undefined;
  let timers: NodeJS.Timeout[] = [];
  const release = (): void => {
    stop();
    timers.forEach(clearTimeout);
    timers = [];
  };
  const end = (): void => {
    release();
    response.end();
  };
  response.on('close', release);

  try {
    let since = options.since;
    if (since === undefined || options.initialEvents) {
      const { items, resourceVersion } = store.list(definition, matches ? { ...scope, matches } : scope);
      if (options.initialEvents) for (const object of items) send({ type: 'ADDED', object });
      since = resourceVersion;
    }
    if (options.initialMark) bookmark({ [initialEventsEnd]: 'true' });
    // What has come so far is bounded by the store; what changes from here on is not.
    const allowed = response.writableLength + backlogBytes;
    stop = store.watch(definition, { ...scope, since }, (change) => {
      const event = eventOf(change, matches ?? everything);
      if (!event) return;
      send(event);
      // Node keeps it until nothing is left to do now, and the controllers that follow the same change have much.
      response.socket?.uncork();
      if (response.writableLength > allowed) response.destroy();
    });
  } catch (error) {
    // By now the head is out: what is wrong comes as an event, as from Kubernetes.
    if (!(error instanceof ApiError)) throw error;
    response.end(`${JSON.stringify({ type: 'ERROR', object: error.toStatus() })}\n`);
    return release;
  }
  if (options.bookmarks) timers.push(setInterval(() => bookmark(), bookmarkMs));
  if (options.timeoutMs > 0) {
    timers.push(setTimeout(() => {
      // Whoever comes again goes on from here, however long ago the last change of this kind was.
      if (options.bookmarks) bookmark();
      end();
    }, options.timeoutMs));
  }
  return end;
}

const everything: Matcher = () => true;

/**
 * What a change means to someone who sees only what matches: things may come into and go out of view. What goes
 * is shown as it was when it could still be seen.
 */
export function eventOf({ type, object, old }: StoredChange, matches: Matcher): WatchEvent | undefined {
  const before = type === 'DELETED' ? (old ?? object) : old;
  const wasSeen = before !== undefined && matches(before);
  if (type !== 'DELETED' && matches(object)) return { type: wasSeen ? 'MODIFIED' : 'ADDED', object };
  if (!wasSeen) return undefined;
  if (type === 'DELETED') return { type, object };
  const { resourceVersion } = object.metadata;
  return { type: 'DELETED', object: { ...before, metadata: { ...before.metadata, ...(resourceVersion && { resourceVersion }) } } };
}

function encoderOf({ definition, query, request }: ReadContext): (event: WatchEvent) => string {
  const { representation } = negotiate(request.headers.accept);
  if (representation === 'object') return lineOf;
  if (representation === 'metadata') return ({ type, object }) => `${JSON.stringify({ type, object: metadataOnly(object) })}\n`;
  const includeObject = includeObjectOf(query);
  let headers = true;
  return ({ type, object }) => {
    const rows: KubeObject[] = type === 'BOOKMARK' ? [] : [object];
    const { resourceVersion = '' } = object.metadata;
    const table = tableOf(definition, rows, { resourceVersion }, { includeObject, headers });
    headers = false;
    return `${JSON.stringify({ type, object: table })}\n`;
  };
}

/** Lines that were written already: everybody who watches gets the same object, and mostly the same words. */
const lines = new WeakMap<KubeObject, Map<string, string>>();

function lineOf({ type, object }: WatchEvent): string {
  const written = lines.get(object) ?? new Map<string, string>();
  lines.set(object, written);
  const line = written.get(type) ?? `${JSON.stringify({ type, object })}\n`;
  written.set(type, line);
  return line;
}
