/**
 * Whether a cluster answers, known within seconds: a small question now and then while all is well, a first answer
 * sought again and again while it is not. A connection that is broken without anybody having said so (a laptop that
 * slept, another network, a router that forgot) looks like silence, so silence is what is measured.
 */
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';
import { Alarm, Backoff } from './alarm.ts';
import type { ApiClient } from './api-client.ts';
import { AnswerError, noAnswer } from './api-errors.ts';
import { askFlavour, type Found } from './flavour.ts';

/** A cluster that said nothing for this long is out of reach: a person is to be told within five seconds. */
const silentMs = 4000;
/** How often it is asked while somebody looks, and while nobody does. */
const beatMs = { watched: 2000, alone: 30_000 };
/** An answer that takes longer than this is sought over a new connection, too. */
const slowMs = 1200;
const firstRetryMs = 300;
const slowestRetryMs = { watched: 2000, alone: 30_000 };
/** Credentials that were refused are not tried again soon: servers lock out those who do, and programs ask people. */
const refusedRetryMs = { token: 60_000, program: 300_000 };
/** Longer than any answer that is worth waiting for; several tries may be under way at once. */
const giveUpMs = 15_000;
const mostTries = 4;
/** How long a further try is waited for before the pause until the next one begins. */
const hangsMs = 500;
/** Timers are not exact. */
const shortMs = 20;
/** One answer of this kind may be chance. */
const serverFault = 500;

export interface LivenessHost {
  /** Whether anybody wants to know how it stands. */
  watched(): boolean;
  /** Something came from it. */
  heard(): void;
  /** It answers, for the first time or again. */
  ready(client: ApiClient, found: Found): void;
  /** It does not: `unauthorized`, or any other reason. */
  lost(error: HayloftError): void;
  /** It answers, and cannot do what it is there for (5xx); undefined: it can again. */
  ailing(error: HayloftError | undefined): void;
  /** It answers over new connections, while old ones are dead. */
  stale(): void;
}

export class Liveness {
  readonly #host: LivenessHost;
  readonly #alarm = new Alarm();
  #client: ApiClient | undefined;
  #stop = new AbortController();
  #up = false;
  #heardAt = performance.now();
  #doubted = false;

  constructor(host: LivenessHost) {
    this.#host = host;
  }

  /** Begins with this client; what was known of another one counts for nothing. */
  begin(client: ApiClient): void {
    this.end();
    this.#client = client;
    this.#stop = new AbortController();
    client.heard = () => this.#heard(client);
    client.failed = () => this.suspect();
    void this.#run(client, this.#stop.signal);
  }

  end(): void {
    this.#stop.abort();
    this.#up = false;
    this.#client = undefined;
  }

  /** There is reason to look at once. */
  doubt(): void {
    this.#doubted = true;
    this.#alarm.ring();
  }

  /** Something failed on the way. While it is out of reach anyway, that is no news, and no reason to try at once. */
  suspect(): void {
    if (this.#up) this.doubt();
  }

  #heard(client: ApiClient): void {
    if (client !== this.#client) return;
    this.#heardAt = performance.now();
    this.#host.heard();
  }

  async #run(client: ApiClient, signal: AbortSignal): Promise<void> {
    const ended = (): boolean => signal.aborted;
    while (!ended()) {
      await (this.#up ? this.#keep(client, signal) : this.#seek(client, signal));
    }
  }

  /** Tries to get a first answer until there is one. A try that hangs does not keep the next one from being made. */
  async #seek(client: ApiClient, signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const over = AbortSignal.any([signal, done.signal]);
    const isOver = (): boolean => over.aborted;
    const begun = performance.now();
    client.dropConnections('pulse');
    const so = { refused: false, failed: false };
    const backoff = new Backoff(firstRetryMs, slowestRetryMs.watched);
    const attempts = new Set<Promise<void>>();
    const attempt = async (): Promise<void> => {
      try {
        const found = await askFlavour(client, { signal: over, timeoutMs: giveUpMs, over: 'pulse' });
        if (isOver()) return;
        this.#up = true;
        this.#host.ailing(undefined);
        this.#host.ready(client, found);
        done.abort();
      } catch (error) {
        if (isOver()) return;
        const known = asHayloftError(error);
        so.refused = known.code === 'unauthorized';
        so.failed = true;
        this.#host.lost(known);
      }
    };
    while (!isOver()) {
      if (attempts.size < mostTries) {
        const made = attempt().finally(() => attempts.delete(made));
        attempts.add(made);
        const patience = so.failed ? hangsMs : Math.max(0, silentMs - (performance.now() - begun));
        await Promise.race([made, this.#alarm.sleep(patience, over)]);
        if (!isOver() && !so.failed && performance.now() - begun > silentMs - shortMs) {
          so.failed = true;
          this.#host.lost(noAnswer(client.access.server));
        }
      }
      if (isOver()) return;
      if (so.refused) await this.#otherCredentials(client, over);
      else if (await this.#pause(this.#host.watched() ? backoff.next() : slowestRetryMs.alone, over)) backoff.reset();
    }
  }

  /** Waits until it makes sense to ask again a server that refused us. */
  async #otherCredentials(client: ApiClient, signal: AbortSignal): Promise<void> {
    const until = performance.now() + (client.access.renew ? refusedRetryMs.program : refusedRetryMs.token);
    while (!signal.aborted && performance.now() < until && !(await client.credentialsChanged())) {
      if (await this.#pause(slowestRetryMs.watched, signal)) return;
    }
  }

  /** @returns whether it was cut short */
  async #pause(ms: number, signal: AbortSignal): Promise<boolean> {
    const begun = performance.now();
    await this.#alarm.sleep(ms, signal);
    return performance.now() - begun < ms - shortMs;
  }

  /** Asks once, over a connection that was there before, and over a new one when that takes long. */
  async #keep(client: ApiClient, signal: AbortSignal): Promise<void> {
    const ended = (): boolean => signal.aborted;
    if (!this.#doubted) await this.#alarm.sleep(this.#host.watched() ? beatMs.watched : beatMs.alone, signal);
    this.#doubted = false;
    if (ended()) return;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const begun = performance.now();
    // Nobody listened meanwhile: what was heard last says nothing about how long it is silent.
    if (begun - this.#heardAt > silentMs) this.#heardAt = begun - beatMs.watched;
    try {
      const old = this.#ask(client, either, 'pulse');
      const first = await Promise.race([old, this.#quiet(slowMs, either)]);
      // A connection as old as the watches' is gone: theirs may be dead, too, and cannot be asked.
      if (first.kind !== 'broken' && !first.kept) this.#host.stale();
      if (this.#judge(first, client)) return;
      const fresh = this.#ask(client, either, 'none');
      const second = await Promise.race([fresh, old.then((answer) => (answer.kind === 'broken' ? fresh : answer)), this.#silence(either)]);
      if (ended()) return;
      if (second.kind !== 'broken' && (await Promise.race([old, this.#quiet(0, either)])).kind !== 'alive') this.#host.stale();
      if (this.#judge(second, client) || second.kind !== 'broken') return;
      this.#up = false;
      this.#host.lost(second.error);
    } finally {
      over.abort();
      // What failed meanwhile has been looked into.
      this.#doubted = false;
    }
  }

  /** @returns whether that is all there is to know */
  #judge(answer: Answer, client: ApiClient): boolean {
    if (client !== this.#client) return true;
    if (answer.kind === 'alive') this.#host.ailing(undefined);
    else if (answer.kind === 'ailing') this.#host.ailing(answer.error);
    else if (answer.kind === 'refused') {
      this.#up = false;
      this.#host.lost(answer.error);
    } else return false;
    return true;
  }

  async #ask(client: ApiClient, signal: AbortSignal, over: 'pulse' | 'none'): Promise<Answer> {
    let kept = true;
    const onConnection = (reused: boolean): void => void (kept = reused);
    try {
      await client.call('GET', '/version', { signal, timeoutMs: giveUpMs, over, onConnection });
      return { kind: 'alive', kept };
    } catch (error) {
      const known = asHayloftError(error);
      if (known.code === 'unauthorized') return { kind: 'refused', kept, error: known };
      if (!(known instanceof AnswerError)) return { kind: 'broken', error: known };
      return known.httpStatus >= serverFault ? { kind: 'ailing', kept, error: known } : { kind: 'alive', kept };
    }
  }

  async #quiet(ms: number, signal: AbortSignal): Promise<Extract<Answer, { kind: 'broken' }>> {
    await new Alarm().sleep(ms, signal);
    return { kind: 'broken', error: noAnswer(this.#client?.access.server ?? 'https://cluster') };
  }

  /** Resolves when nothing at all was heard for too long. */
  async #silence(signal: AbortSignal): Promise<Answer> {
    for (;;) {
      const left = this.#heardAt + silentMs - performance.now();
      const answer = await this.#quiet(Math.max(0, left), signal);
      if (signal.aborted || performance.now() >= this.#heardAt + silentMs) return answer;
    }
  }
}

type Answer =
  | { kind: 'alive'; kept: boolean }
  | { kind: 'refused' | 'ailing'; kept: boolean; error: HayloftError }
  | { kind: 'broken'; error: HayloftError };
