/** How a task stands, as its objects tell. */
import { HayloftError, type ErrorCode } from '#shared/contract/errors.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { Kind } from '../clusters/kinds.ts';
import type { TaskEntry } from './entry.ts';

export interface Going {
  state: 'going';
  /** 0 to 1. */
  progress?: number;
  step?: string;
  /** Why it cannot be cancelled at this point. */
  fixed?: string;
  /** It goes by the clock: to be looked at each second, though nothing changes. */
  ticks?: true;
}

export type Standing =
  | Going
  | { state: 'done'; step?: string }
  | { state: 'failed' | 'unknown'; error: HayloftError };

/** Finds objects of the task's cluster and namespace. */
export interface Look {
  get<T extends KubeObject>(kind: Kind<T>, name: string): Promise<T | undefined>;
  /** What the cluster last warned of about an object. */
  warning(kind: string, name: string): Promise<string | undefined>;
}

export interface TaskDefinition {
  /** Whatever changes among these may change how the task stands. */
  watches: readonly Kind<KubeObject>[];
  /** Whether it is kept on the list when it went well: there is something to open, or to know. */
  keeps: (entry: TaskEntry) => boolean;
  /**
   * Asked after each change. `done`, `failed` and `unknown` are asked for twice, the second time with objects fresh from
   * the cluster: a watch may be behind.
   */
  stand: (entry: TaskEntry, look: Look) => Promise<Standing>;
  /** Takes it back, leaving nothing behind. Absent: it cannot be. */
  cancel?: (client: ApiClient, entry: TaskEntry) => Promise<void>;
  /** Removes what has served its purpose, once it is known how it ended. */
  tidy?: (client: ApiClient, entry: TaskEntry) => Promise<void>;
}

export const going = (step?: string, more: Omit<Going, 'state' | 'step'> = {}): Going => ({
  state: 'going',
  ...(step === undefined ? {} : { step }),
  ...more,
});

export const done = (step?: string): Standing => ({ state: 'done', ...(step === undefined ? {} : { step }) });

export const failed = (message: string, hint?: string, code: ErrorCode = 'internal'): Standing => ({
  state: 'failed',
  error: new HayloftError(code, message, hint === undefined ? {} : { hint }),
});

/** For what was there and is gone, with nothing that tells how it ended. */
export const unknown = (message: string, hint: string): Standing => ({
  state: 'unknown',
  error: new HayloftError('not-found', message, { hint }),
});

/** The machine is not there any more, so what was done to it has come to nothing. */
export const machineGone = ({ machine }: TaskEntry): Standing =>
  failed(`The machine “${machine.name}” was deleted in the meantime.`, undefined, 'not-found');
