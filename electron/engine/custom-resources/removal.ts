/** A definition that is deleted takes its objects with it; when the last is gone, it may go itself. */
import type { ResourceDefinition } from '../api/definition.ts';
import type { EngineContext } from '../context.ts';
import { cleanupFinalizer } from './admission.ts';
import { customResourceDefinitions, type CustomResourceDefinition } from './definition.ts';
import { condition } from './names.ts';

/** Deletions in one go; between, others get their turn. */
const batch = 50;

/**
 * Goes on until nothing is left, for as long as finalizers hold objects back.
 * @param of any version of the kind
 * @returns gives up
 */
export function removeObjects(context: EngineContext, crd: CustomResourceDefinition, of: ResourceDefinition): () => void {
  const { resources, log } = context;
  const name = crd.metadata.name ?? '';
  let timer: NodeJS.Immediate | undefined;
  let stopped = false;
  const asked = new Set<string>();
  const begin = (): void => {
    resources.changeStatus(customResourceDefinitions, undefined, name, (draft) => {
      const before = draft.status?.conditions ?? [];
      const was = before.find(({ type }) => type === 'Terminating');
      const now = condition(was, 'Terminating', true, 'InstanceDeletionInProgress', 'CustomResource deletion is in progress');
      draft.status = { ...draft.status, conditions: [...before.filter((other) => other !== was), now] };
    });
  };
  const finish = (): void => {
    stop();
    resources.change(customResourceDefinitions, undefined, name, ({ metadata }) => {
      metadata.finalizers = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== cleanupFinalizer);
    });
  };
  const work = (): void => {
    timer = undefined;
    if (stopped) return;
    try {
      const left = resources.list(of);
      if (left.length === 0) { finish(); return; }
      const next = left.filter(({ metadata }) => !asked.has(metadata.uid ?? '')).slice(0, batch);
      for (const { metadata } of next) {
        asked.add(metadata.uid ?? '');
        resources.delete(of, metadata.namespace, metadata.name ?? '');
      }
      if (next.length > 0) soon();
    } catch (error) {
      log.error('Objects of a deleted definition could not be removed', { name, error });
    }
  };
  const soon = (): void => { timer ??= setImmediate(work); };
  const unsubscribe = resources.subscribe(of, ({ type }) => { if (type === 'DELETED') soon(); });
  const stop = (): void => {
    stopped = true;
    if (timer) clearImmediate(timer);
    unsubscribe();
  };
  begin();
  soon();
  return stop;
}
