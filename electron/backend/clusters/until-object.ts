/** Waits for what becomes of one object. */
import type { KubeObject } from '#shared/kube/object.ts';
import { abortReason } from './api-client.ts';
import type { ClusterConnection } from './connection.ts';
import type { Kind } from './kinds.ts';

/**
 * @param look told how it is now, and undefined once it was there and is gone; what it returns ends the waiting, and so
 *   does what it throws
 * @returns what `look` returned; rejects when `signal` aborts
 */
export function untilObject<T extends KubeObject, R>(
  cluster: ClusterConnection,
  of: { kind: Kind<T>; namespace: string; name: string },
  look: (object: T | undefined) => R | undefined,
  signal: AbortSignal,
): Promise<R> {
  const cache = cluster.cache(of.kind);
  const key = `${of.namespace}/${of.name}`;
  return new Promise<R>((resolve, reject) => {
    let seen = false;
    const check = (): void => {
      const object = cache.objects.get(key);
      seen ||= object !== undefined;
      if (!seen) return;
      try {
        const found = look(object);
        if (found !== undefined) finish(() => resolve(found));
      } catch (error) {
        finish(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    const stop = cache.watch((keys) => {
      if (keys.has(key)) check();
    });
    const aborted = (): void => finish(() => reject(abortReason(signal)));
    const finish = (end: () => void): void => {
      stop();
      signal.removeEventListener('abort', aborted);
      end();
    };
    if (signal.aborted) aborted();
    else {
      signal.addEventListener('abort', aborted);
      check();
    }
  });
}
