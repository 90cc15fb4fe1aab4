/** Work on claims' files that takes a while: at most one job for a claim, which can be cancelled and waited for. */

import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { KubeObject } from '#shared/kube/object.ts';

export interface Job {
  readonly kind: 'blank' | 'upload' | 'import' | 'clone' | 'grow' | 'check' | 'merge';
  /** Between 0 and 1; undefined where nobody counts. */
  progress: number | undefined;
  readonly signal: AbortSignal;
}

export interface JobFailure {
  error: unknown;
  /** How often in a row this claim's jobs have failed. */
  count: number;
  /** When it failed, in milliseconds since 1970. */
  at: number;
}

export interface Jobs {
  get(uid: string): Job | undefined;
  /** The last failure since the last success; forgotten when the engine ends. */
  failure(uid: string): JobFailure | undefined;
  /**
   * Begins a job and returns its end, which also rejects (`failure` keeps it, too: it may be left unawaited).
   * Throws when one is running.
   */
  start(claim: KubeObject, kind: Job['kind'], work: (job: Job) => Promise<void>): Promise<void>;
  /** Aborts the claim's job, waits for its end, and forgets the claim. */
  cancel(uid: string): Promise<void>;
  cancelAll(): Promise<void>;
}

const cancelled = (): HayloftError => new HayloftError('cancelled', 'The disk was deleted, or the engine stopped, meanwhile.');

/** @param onChange called with the claim after a job on it has begun or ended */
export function createJobs(onChange: (claim: KubeObject) => void): Jobs {
  const running = new Map<string, { job: Job; abort: AbortController; end: Promise<void> }>();
  const failures = new Map<string, JobFailure>();
  const cancel = async (uid: string): Promise<void> => {
    const found = running.get(uid);
    found?.abort.abort(cancelled());
    await found?.end.catch(() => undefined);
    failures.delete(uid);
  };
  return {
    get: (uid) => running.get(uid)?.job,
    failure: (uid) => failures.get(uid),
    start: (claim, kind, work) => {
      const uid = claim.metadata.uid ?? '';
      if (running.has(uid)) throw new Error(`A job for ${uid} is running.`);
      const abort = new AbortController();
      const job: Job = { kind, progress: undefined, signal: abort.signal };
      const attempt = async (): Promise<void> => {
        try {
          await work(job);
          failures.delete(uid);
        } catch (error) {
          if (!abort.signal.aborted) {
            failures.set(uid, { error, count: (failures.get(uid)?.count ?? 0) + 1, at: Date.now() });
          }
          throw error;
        } finally {
          running.delete(uid);
          onChange(claim);
        }
      };
      // Begun a moment later, so that the job is known before it can end.
      const end = Promise.resolve().then(attempt);
      end.catch(() => undefined);
      running.set(uid, { job, abort, end });
      onChange(claim);
      return end;
    },
    cancel,
    cancelAll: async () => {
      await Promise.all([...running.keys()].map(cancel));
    },
  };
}
