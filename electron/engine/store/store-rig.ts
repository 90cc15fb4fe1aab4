/** A real store in a temporary folder, for the tests of this folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ApiError } from '../api/errors.ts';
import type { ChangeLogLimits } from './change-log.ts';
import { openStore, type Store } from './store.ts';
import { quiet } from './test-kinds.ts';

export * from './test-kinds.ts';

export interface StoreRig extends Store {
  file: string;
  /**
   * Closes and opens again, as after a restart.
   * @param after which run of the host it is then; and what is done to the files before that
   */
  reopen(after?: { boot: string; powerFailed(): void }): Store;
}

export function rigStore(limits?: ChangeLogLimits): StoreRig {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-store-'));
  const file = join(folder, 'store.db');
  let store = openStore(file, quiet, limits, 'first');
  onTestFinished(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });
  return {
    ...store,
    file,
    reopen: (after) => {
      store.close();
      after?.powerFailed();
      return (store = openStore(file, quiet, limits, after?.boot ?? 'first'));
    },
  };
}

/** The ApiError that `work` throws. */
export function refusal(work: () => unknown): ApiError {
  try {
    work();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

/** Resolves when listeners and collections that were put off have run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
