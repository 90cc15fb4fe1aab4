/**
 * Puts the machines to rest before the host goes down, and lets them go on when it is back. A machine's annotation says
 * how: `hayloft.io/host-shutdown: suspend` saves its state, anything else shuts it down.
 */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { EngineContext } from '../../context.ts';
import type { Guest } from '../../qemu/types.ts';
import { beginAgain, isFinal, reachedRunning } from '../controllers/instance-status.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../definitions/virtual-machine.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import { stateOf, type Guests } from '../guests.ts';
import { hostBeganAnew, noteHostRun, noteRest } from './host-run.ts';
import type { SavedStates } from './saved-state.ts';

export const HOST_SHUTDOWN_ANNOTATION = 'hayloft.io/host-shutdown';

export interface RestParts {
  context: EngineContext;
  guests: Guests;
  saved: SavedStates;
}

export interface Rested {
  namespace: string;
  name: string;
  how: 'suspended' | 'shut down' | 'turned off';
}

const pressAgainMs = 10_000;

/**
 * Suspends guests or shuts them down, all at once; what is not done in time is turned off. From then on nothing starts
 * until {@link wakeUp}, or another engine's start.
 */
export async function putToRest(parts: RestParts, limitMs: number): Promise<Rested[]> {
  const { context, guests } = parts;
  // Written first: whatever ends from now on begins again, even if this engine does not see it end.
  noteRest(context.dataDir);
  guests.atRest = true;
  const deadline = Date.now() + limitMs;
  const instances = new Map(context.resources.list(virtualMachineInstances).map((vmi) => [vmi.metadata.uid, vmi]));
  return Promise.all(
    guests.all().map(async (guest) => {
      const vmi = instances.get(guest.uid);
      const how = await rest(parts, guest, vmi, deadline);
      return { namespace: vmi?.metadata.namespace ?? '', name: vmi?.metadata.name ?? '', how };
    }),
  );
}

/** The host stays up after all. */
export function wakeUp(parts: RestParts): void {
  parts.guests.atRest = false;
  beginAgainWhatWentDown(parts);
  for (const { metadata } of parts.context.resources.list(virtualMachineInstances)) parts.guests.onChange(metadata.uid ?? '');
}

/** Machines that are said to run and went down with the host begin again. Called when an engine starts, guests found. */
export function beginAgainWhatWentDown({ context, guests }: RestParts): void {
  if (hostBeganAnew(context.dataDir)) {
    for (const vmi of context.resources.list(virtualMachineInstances)) {
      const { uid, namespace, name = '', deletionTimestamp } = vmi.metadata;
      if (guests.get(uid) || isFinal(vmi) || !reachedRunning(vmi) || deletionTimestamp !== undefined) continue;
      context.resources.changeStatus(virtualMachineInstances, namespace, name, (draft) => beginAgain((draft.status ??= {}), new Date().toISOString()));
      context.events.record(vmi, 'Normal', 'HostRestarted', 'The host was restarted while the machine ran; it begins again.');
    }
  }
  noteHostRun(context.dataDir);
}

async function rest(parts: RestParts, guest: Guest, vmi: VirtualMachineInstance | undefined, deadline: number): Promise<Rested['how']> {
  const { context, saved } = parts;
  if (vmi && wantsSuspend(context, vmi)) {
    try {
      await saved.save(guest, AbortSignal.timeout(Math.max(0, deadline - Date.now())));
      context.events.record(vmi, 'Normal', 'Suspended', 'The machine’s state was saved, as the host shuts down.');
      return 'suspended';
    } catch (error) {
      context.events.record(vmi, 'Warning', 'SuspendFailed', `The machine’s state could not be saved, so it is shut down: ${String(error)}`);
    }
  }
  const patience = Math.min(deadline, Date.now() + (vmi?.spec.terminationGracePeriodSeconds ?? 0) * 1000);
  if (await shutsDown(guest, patience)) return 'shut down';
  await guest.kill();
  return 'turned off';
}

async function shutsDown(guest: Guest, deadline: number): Promise<boolean> {
  const ended = guest.ended.then(() => true);
  while (Date.now() < deadline && (await stateOf(guest)) === 'running') {
    await guest.powerDown().catch(() => undefined);
    if (await Promise.race([ended, waits(Math.min(pressAgainMs, deadline - Date.now()))])) return true;
  }
  // One that shut down while it was asked is gone in a moment.
  return (await stateOf(guest)) === undefined ? Promise.race([ended, waits(1000)]) : false;
}

const waits = (ms: number): Promise<false> =>
  new Promise((resolve) => {
    setTimeout(() => resolve(false), Math.max(0, ms)).unref();
  });

/** A machine's own word counts; an instance without a machine may say it itself. */
function wantsSuspend({ resources }: EngineContext, vmi: VirtualMachineInstance): boolean {
  const machine = resources.get(virtualMachines, vmi.metadata.namespace, vmi.metadata.name ?? '');
  const said = machine?.metadata.annotations?.[HOST_SHUTDOWN_ANNOTATION] ?? vmi.metadata.annotations?.[HOST_SHUTDOWN_ANNOTATION];
  return said === 'suspend';
}

/** A guest that was stopped for its state to be saved, by an engine that ended before it was, goes on. */
export async function goOn({ context, saved }: RestParts, guest: Guest, vmi: VirtualMachineInstance): Promise<void> {
  const state = await stateOf(guest);
  if (state === 'incoming') {
    // Nobody gives it the rest of its state; another process begins with all of it.
    await guest.kill();
    return;
  }
  // It lives: what was saved of it is the past.
  saved.remove(guest.uid);
  const byUser = findCondition(vmi.status?.conditions, 'Paused')?.reason === 'PausedByUser';
  if (state === 'paused' && !byUser && hostBeganAnew(context.dataDir)) await guest.resume().catch(() => undefined);
}
