/** Brings instances to life, keeps their status true, and ends them as they ask. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import { createController, related, type Controller, type Key, type ReconcileResult } from '../../controller.ts';
import type { EngineContext } from '../../context.ts';
import type { DiskCatalog, DiskFile } from '../../disks/types.ts';
import { dataVolumes } from '../../disks/definitions/data-volume.ts';
import { persistentVolumeClaims } from '../../disks/definitions/persistent-volume-claim.ts';
import type { Guest } from '../../qemu/types.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';
import { stateOf, type Guests } from '../guests.ts';
import { GUEST_FINALIZER } from '../admission.ts';
import { describeRunning, enterPhase, isFinal, reachedRunning } from './instance-status.ts';

export interface InstanceParts {
  context: EngineContext;
  guests: Guests;
  disks: DiskCatalog;
}

export function controlInstances(parts: InstanceParts): Controller {
  const { resources } = parts.context;
  /** Instances that may be waiting for what changed. */
  const waiting = ({ metadata }: KubeObject): Key[] =>
    resources
      .list(virtualMachineInstances, { namespace: metadata.namespace ?? '' })
      .filter((vmi) => !isFinal(vmi) && !reachedRunning(vmi))
      .map(keyOf);
  /** Guests whose power button has been pressed, with the time at which patience ends. */
  const pressed = new Map<string, number>();
  const controller = createController(parts.context, {
    of: virtualMachineInstances,
    related: [
      related({ of: dataVolumes, keys: ({ object }) => waiting(object) }),
      related({ of: persistentVolumeClaims, keys: ({ object }) => waiting(object) }),
    ],
    reconcile: (key) => reconcile(parts, pressed, key),
  });
  parts.guests.onChange = (uid) => {
    const vmi = resources.list(virtualMachineInstances).find((candidate) => candidate.metadata.uid === uid);
    if (vmi) controller.enqueue(keyOf(vmi));
  };
  return controller;
}

const keyOf = ({ metadata }: VirtualMachineInstance): Key => ({ namespace: metadata.namespace, name: metadata.name ?? '' });
const timestamp = (): string => new Date().toISOString();

async function reconcile(parts: InstanceParts, pressed: Map<string, number>, key: Key): Promise<ReconcileResult> {
  const { context, guests } = parts;
  const vmi = context.resources.get(virtualMachineInstances, key.namespace, key.name);
  if (!vmi) return undefined;
  const uid = vmi.metadata.uid ?? '';
  const guest = guests.get(uid);
  if (vmi.metadata.deletionTimestamp !== undefined) return end(parts, pressed, vmi, guest);
  if (isFinal(vmi)) return undefined;
  if (guest) return describe(parts, vmi, guest);
  if (reachedRunning(vmi)) { ended(parts, vmi); return; }
  return start(parts, vmi);
}

async function start(parts: InstanceParts, vmi: VirtualMachineInstance): Promise<ReconcileResult> {
  const { context, guests } = parts;
  const found = findVolumes(parts, vmi);
  if ('waiting' in found) {
    change(context, vmi, (status) => enterPhase(status, { phase: 'Pending', reason: 'VolumesNotReady', message: found.waiting }, timestamp()));
    return undefined;
  }
  try {
    guests.hold(await guests.hypervisor.start({ vmi, volumes: found.volumes }));
  } catch (error) {
    const { message, hint } = asHayloftError(error);
    const words = hint === undefined ? message : `${message} ${hint}`;
    context.events.record(vmi, 'Warning', 'SyncFailed', words);
    change(context, vmi, (status) => {
      status.reason = words;
      enterPhase(status, { phase: 'Failed', reason: 'GuestNotRunning', message: words }, timestamp());
    });
    return undefined;
  }
  const guest = guests.get(vmi.metadata.uid);
  const result = guest ? await describe(parts, vmi, guest) : undefined;
  context.events.record(vmi, 'Normal', 'Started', 'VirtualMachineInstance started.');
  return result;
}

function findVolumes({ disks }: InstanceParts, vmi: VirtualMachineInstance): { volumes: Map<string, DiskFile> } | { waiting: string } {
  const volumes = new Map<string, DiskFile>();
  for (const { name, dataVolume, persistentVolumeClaim } of vmi.spec.volumes ?? []) {
    const claim = dataVolume?.name ?? persistentVolumeClaim?.claimName;
    if (claim === undefined) continue;
    const disk = disks.find(vmi.metadata.namespace ?? 'default', claim);
    if (disk.state === 'missing') return { waiting: `The volume ${claim} does not exist.` };
    if (disk.state === 'pending') return { waiting: disk.message };
    volumes.set(name, disk.file);
  }
  return { volumes };
}

async function describe({ context, guests }: InstanceParts, vmi: VirtualMachineInstance, guest: Guest): Promise<ReconcileResult> {
  const [state, acceleration] = await Promise.all([stateOf(guest), guests.hypervisor.acceleration()]);
  // It ended while it was asked; its end comes as a change of its own.
  if (state === undefined) return undefined;
  change(context, vmi, (status) => {
    const now = timestamp();
    enterPhase(status, { phase: 'Running' }, now);
    describeRunning(status, vmi, { state, nodeName: context.nodeName, acceleration }, now);
  });
  if (state === 'crashed' || state === 'internal-error') {
    context.events.record(vmi, 'Warning', 'Crashed', 'The guest crashed and is turned off.');
    await guest.kill();
  }
  return undefined;
}

/** The guest ran and is gone. */
function ended({ context, guests }: InstanceParts, vmi: VirtualMachineInstance): undefined {
  const exit = guests.exit(vmi.metadata.uid ?? '') ?? {
    clean: false,
    message: 'The machine was not running any more when the engine came back.',
  };
  context.events.record(vmi, exit.clean ? 'Normal' : 'Warning', 'Stopped', exit.message);
  change(context, vmi, (status) => {
    status.reason = exit.message;
    enterPhase(status, { phase: exit.clean ? 'Succeeded' : 'Failed', message: exit.message }, timestamp());
  });
}

/** Asks the guest to shut down, and turns it off when its time is over. */
async function end(
  { context, guests }: InstanceParts,
  pressed: Map<string, number>,
  vmi: VirtualMachineInstance,
  guest: Guest | undefined,
): Promise<ReconcileResult> {
  const uid = vmi.metadata.uid ?? '';
  if (guest) {
    const begun = pressed.get(uid) ?? Date.now();
    const deadline = begun + (vmi.spec.terminationGracePeriodSeconds ?? 0) * 1000;
    const left = deadline - Date.now();
    // A guest that stands still cannot answer its power button.
    if (left > 0 && (await stateOf(guest)) === 'running') {
      if (!pressed.has(uid)) {
        context.events.record(vmi, 'Normal', 'ShuttingDown', 'Signaled Graceful Shutdown');
        await guest.powerDown();
      }
      pressed.set(uid, begun);
      return { requeueAfterMs: left };
    }
    await guest.kill();
  }
  pressed.delete(uid);
  context.events.record(vmi, 'Normal', 'Deleted', 'Signaled Deletion');
  context.resources.change(virtualMachineInstances, vmi.metadata.namespace, vmi.metadata.name ?? '', (draft) => {
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((name) => name !== GUEST_FINALIZER);
  });
  guests.forget(uid);
  return undefined;
}

function change(
  context: EngineContext,
  vmi: VirtualMachineInstance,
  edit: (status: NonNullable<VirtualMachineInstance['status']>) => void,
): void {
  context.resources.changeStatus(virtualMachineInstances, vmi.metadata.namespace, vmi.metadata.name ?? '', (draft) => {
    if (draft.metadata.uid === vmi.metadata.uid) edit((draft.status ??= {}));
  });
}
