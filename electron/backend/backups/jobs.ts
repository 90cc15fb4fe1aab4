/**
 * Work that the app does itself and that takes its time, behind tasks: it begins when its task is first looked at, and so
 * goes on by itself in the next run of the app.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { TaskEntry } from '../tasks/entry.ts';
import { going, type Standing, type TaskDefinition } from '../tasks/standing.ts';

/** How long closing waits for work to come to rest, in milliseconds. */
const closeWithinMs = 3000;

/** Tells how far it is: a share from 0 to 1 where one is known, and what it does. */
export type Report = (progress: number | undefined, step: string) => void;

/**
 * Does the work; when it fails or is cancelled it takes back what it made, except where {@link isPaused} says that it
 * goes on later.
 * @returns what came of it, in a sentence
 */
export type Work = (entry: TaskEntry, context: { signal: AbortSignal; report: Report }) => Promise<string>;

interface Job {
  stop: AbortController;
  standing: Standing;
  over: Promise<unknown>;
}

/** The app closes: what was done so far is kept. */
class Paused extends HayloftError {}

export const isPaused = (signal: AbortSignal): boolean => signal.reason instanceof Paused;

export class Jobs {
  readonly #jobs = new Map<string, Job>();

  /** How tasks of this kind are followed. */
  definition(work: Work): TaskDefinition {
    return {
      watches: [],
      keeps: () => true,
      stand: (entry) => Promise.resolve((this.#jobs.get(entry.id) ?? this.#begin(entry, work)).standing),
      cancel: async (_client, entry) => {
        const job = this.#jobs.get(entry.id);
        job?.stop.abort(new HayloftError('cancelled', 'It was canceled.'));
        await job?.over;
      },
    };
  }

  /** Stops everything; resolves when nothing is written any more, or after a few seconds: a cluster may not answer. */
  async close(): Promise<void> {
    for (const { stop } of this.#jobs.values()) stop.abort(new Paused('cancelled', 'Hayloft is closing.'));
    await Promise.race([Promise.all([...this.#jobs.values()].map(({ over }) => over)), delay(closeWithinMs, undefined, { ref: false })]);
  }

  #begin(entry: TaskEntry, work: Work): Job {
    const stop = new AbortController();
    const job: Job = { stop, standing: going('It is being prepared.', { ticks: true }), over: Promise.resolve() };
    const report: Report = (progress, step) => (job.standing = going(step, { ticks: true, ...(progress === undefined ? {} : { progress }) }));
    job.over = work(entry, { signal: stop.signal, report }).then(
      (step) => (job.standing = { state: 'done', step }),
      (error: unknown) => (job.standing = { state: 'failed', error: asHayloftError(error) }),
    );
    this.#jobs.set(entry.id, job);
    return job;
  }
}
