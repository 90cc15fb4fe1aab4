/** Keeps the forwards in line: after each change that matters, and again after a while when something failed. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { Change } from '../../store/resources.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { services, type Service } from '../definitions/service.ts';
import { Forwarding, type ForwardingParts } from './forwarding.ts';

/** A port that is taken is tried again: its owner may end. */
const retryMs = 10_000;

/** Begins at once. The function returned stops it, and waits for the pass that is under way. */
export function keepForwards(parts: ForwardingParts): () => Promise<void> {
  const { resources, log } = parts.context;
  const forwarding = new Forwarding(parts);
  /** What was last seen of each instance, as far as Services care. */
  const seen = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  const pass = async (): Promise<void> => {
    let failed = true;
    try {
      failed = await forwarding.sync();
    } catch (error) {
      log.warn('Port forwards could not be brought in line; trying again', { error: String(error), retryInMs: retryMs });
    }
    if (failed && !stopped) timer = setTimeout(look, retryMs).unref();
  };
  const look = (): void => {
    if (stopped) return;
    clearTimeout(timer);
    if (running) {
      again = true;
      return;
    }
    running = pass().finally(() => {
      running = undefined;
      if (!again) return;
      again = false;
      look();
    });
  };
  const matters = ({ type, object }: Change<VirtualMachineInstance>): boolean => {
    const uid = object.metadata.uid ?? '';
    const now = type === 'DELETED' ? '' : fingerprint(object);
    if (seen.get(uid) === now) return false;
    if (type === 'DELETED') seen.delete(uid);
    else seen.set(uid, now);
    return true;
  };
  const subscriptions = [
    resources.subscribe<Service>(services, (change) => {
      // Our own words in its status change nothing.
      const { metadata } = change.object;
      const now = JSON.stringify([metadata.generation, metadata.annotations, metadata.deletionTimestamp]);
      if (change.type === 'MODIFIED' && seen.get(metadata.uid ?? '') === now) return;
      if (change.type === 'DELETED') seen.delete(metadata.uid ?? '');
      else seen.set(metadata.uid ?? '', now);
      look();
    }),
    resources.subscribe<VirtualMachineInstance>(virtualMachineInstances, (change) => {
      if (matters(change)) look();
    }),
  ];
  look();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    for (const unsubscribe of subscriptions) unsubscribe();
    await running;
  };
}

const fingerprint = ({ metadata, status }: VirtualMachineInstance): string =>
  JSON.stringify([status?.phase, findCondition(status?.conditions, 'Ready')?.status, metadata.labels, metadata.deletionTimestamp]);
