/**
 * Keeps one list up to date: fetched in pages, then a watch that goes on from it, over every way in which that can end.
 * Protocol: Kubernetes API concepts, "Efficient detection of changes" and "Retrieving large results sets in chunks".
 */
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { KubeList, KubeObject, Status, WatchEvent } from '#shared/kube/object.ts';
import { Backoff } from './alarm.ts';
import type { ApiClient } from './api-client.ts';
import { AnswerError, errorFromNetwork } from './api-errors.ts';
import { jsonLines } from './json-lines.ts';

/** What kubectl asks for at a time, too. */
const pageSize = 500;
/** The first page is shorter, as a person waits for it. */
const firstPageSize = 100;
const firstRetryMs = 250;
/** A person is to see soon that it is better again. */
const slowestRetryMs = 3000;
/** HTTP 410: the revision, or the place in the list, to go on from is not remembered any more. */
const gone = 410;
/** Servers end watches after some minutes anyway; this makes it known when. */
const watchSeconds = 290;
/** A watch that ended sooner than this, without having said anything, is not simply opened again. */
const briefMs = 1000;
/** Servers send a bookmark a minute. A watch that is silent for longer may be one that nobody is at the other end of. */
const longestSilenceMs = 75_000;

export interface FollowerHost {
  /** Resolves when the cluster can be asked; rejects with the reason when it cannot for now. */
  client(signal: AbortSignal): Promise<ApiClient>;
  /** How listing and watching stands: the error, or undefined when all is well. */
  report(error: HayloftError | undefined): void;
  /** Waits before the next try; less long when the cluster is back. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Calls back when open watches may lead nowhere any more. @returns a function that stops it */
  onStale(callback: () => void): () => void;
}

export interface FollowerSink<T extends KubeObject> {
  /** A list begins: what is known stays until it ends. */
  begin(): void;
  page(items: readonly T[]): void;
  /** The list is complete: what was in none of its pages is gone. */
  end(): void;
  apply(event: WatchEvent<T>): void;
  /** A try to get the list has failed. */
  failed(error: HayloftError): void;
}

export class Follower<T extends KubeObject> {
  readonly #path: string;
  readonly #host: FollowerHost;
  readonly #sink: FollowerSink<T>;
  readonly #backoff = new Backoff(firstRetryMs, slowestRetryMs);

  /** @param path of the list */
  constructor(path: string, host: FollowerHost, sink: FollowerSink<T>) {
    this.#path = path;
    this.#host = host;
    this.#sink = sink;
  }

  /**
   * Works until the signal aborts.
   * @throws AnswerError when the list may not be had (403) or is not there (404): going on makes no sense for now
   */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = (): boolean => signal.aborted;
    let revision: string | undefined;
    while (!stopped()) {
      // Ends this list or watch alone, for another one to begin at once.
      const stale = new AbortController();
      const unfollow = this.#host.onStale(() => stale.abort());
      const either = AbortSignal.any([signal, stale.signal]);
      try {
        const client = await this.#host.client(signal);
        revision ??= await this.#list(client, either);
        const begun = performance.now();
        const end = await this.#watch(client, revision, stale, either);
        const brief = end.revision === revision && performance.now() - begun < briefMs;
        revision = end.revision;
        if (stopped()) return;
        if (stale.signal.aborted) continue;
        if (end.problem) this.#host.report(end.problem);
        if (end.problem ?? brief) await this.#rest(end.problem, signal);
      } catch (error) {
        if (stopped()) return;
        if (stale.signal.aborted) continue;
        const known = asHayloftError(error);
        const status = known instanceof AnswerError ? known.httpStatus : undefined;
        // A server that was away may come back as another one, restored from a backup: its revisions mean nothing to us.
        if (status === undefined || status === gone) revision = undefined;
        if (status !== gone) this.#host.report(known);
        this.#sink.failed(known);
        if (status === 403 || status === 404) throw error;
        await this.#rest(known, signal);
      } finally {
        unfollow();
      }
    }
  }

  async #rest(problem: HayloftError | undefined, signal: AbortSignal): Promise<void> {
    const asked = problem instanceof AnswerError ? (problem.retryAfterMs ?? 0) : 0;
    const until = performance.now() + asked;
    await this.#host.pause(Math.max(this.#backoff.next(), asked), signal);
    // The alarm that cuts pauses short is about the network; who asked to be left alone is left alone.
    while (!signal.aborted && performance.now() < until) await this.#host.pause(until - performance.now(), signal);
  }

  /** @returns the revision that the list is of */
  async #list(client: ApiClient, signal: AbortSignal): Promise<string> {
    const fetch = (query: Record<string, string>): Promise<KubeList<T>> =>
      client.call<KubeList<T>>('GET', `${this.#path}?${new URLSearchParams(query).toString()}`, { signal, packed: true });
    this.#sink.begin();
    let list = await fetch({ limit: String(firstPageSize) });
    for (;;) {
      signal.throwIfAborted();
      this.#sink.page(list.items);
      const { continue: next } = list.metadata;
      if (!next) break;
      try {
        list = await fetch({ limit: String(pageSize), continue: next });
      } catch (error) {
        if (!(error instanceof AnswerError) || error.httpStatus !== gone) throw error;
        // It took so long that the server has forgotten this list: as client-go does, all of a new one at once.
        this.#sink.begin();
        list = await fetch({});
      }
    }
    this.#sink.end();
    return list.metadata.resourceVersion ?? '0';
  }

  /** Follows one watch to its end. Throws when it cannot be opened. */
  async #watch(client: ApiClient, revision: string, stale: AbortController, signal: AbortSignal): Promise<WatchEnd> {
    const query = new URLSearchParams({
      watch: 'true',
      resourceVersion: revision,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(watchSeconds),
    });
    const response = await client.open('GET', `${this.#path}?${query.toString()}`, { signal, over: 'watches' });
    this.#host.report(undefined);
    let newest = revision;
    const silence = setTimeout(() => stale.abort(), longestSilenceMs).unref();
    response.on('data', () => silence.refresh());
    try {
      for await (const event of jsonLines<WatchEvent<T>>(response)) {
        if (signal.aborted) break;
        if (event.type === 'ERROR') return endOf(event.object as unknown as Status);
        this.#backoff.reset();
        if (event.type !== 'BOOKMARK') this.#sink.apply(event);
        newest = event.object.metadata.resourceVersion ?? newest;
      }
      return { revision: newest, problem: undefined };
    } catch (error) {
      // What is known is still right: a broken line is no reason to fetch everything again.
      return { revision: newest, problem: errorFromNetwork(error, client.access.server) };
    } finally {
      clearTimeout(silence);
      response.destroy();
    }
  }
}

interface WatchEnd {
  /** Where the next watch goes on; undefined: everything must be fetched anew. */
  revision: string | undefined;
  problem: HayloftError | undefined;
}

/** How a server ends a watch by itself: mostly because the revision is too old by now. */
function endOf(status: Status): WatchEnd {
  if (status.code === gone) return { revision: undefined, problem: undefined };
  const message = status.message ?? 'The cluster ended the watch.';
  return { revision: undefined, problem: new HayloftError('connection-lost', message, { retryable: true }) };
}
