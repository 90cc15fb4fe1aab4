/** Brings instances to life, keeps their status true, and ends them as they ask. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import { createController, related, type Controller, type Key, type ReconcileResult } from '../../controller.ts';
import type { EngineContext } from '../../context.ts';
import type { DiskCatalog, DiskFile } from '../../disks/types.ts';
import { claimNameOf, claimsOf } from '../../disks/machine-use.ts';
import { dataVolumes } from '../../disks/definitions/data-volume.ts';
import { persistentVolumeClaims } from '../../disks/definitions/persistent-volume-claim.ts';
import type { Guest, GuestExit, GuestPlan, GuestState, HostLink } from '../../qemu/types.ts';
import type { AccessState } from '../access-credentials/keeper.ts';
import { ACCESS_CONDITION, accessCondition, describeAccess } from '../access-credentials/status.ts';
import { agentSecretNames, usesAgentCredentials } from '../access-credentials/wanted.ts';
import { describeAgent } from '../agent/status.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';
import { setCondition, stateOf, type Guests } from '../guests.ts';
import { GUEST_FINALIZER } from '../admission.ts';
import { beginLife, describeMute, describeRunning, enterPhase, isFinal, pausedCondition, reachedRunning } from './instance-status.ts';
import { isHotpluggable } from '../../qemu/hotplug/hotpluggable.ts';
import { configMaps } from '../../core/config-map.ts';
import { secrets } from '../../core/secret.ts';
import { seedReferences } from '../seeds/seeds.ts';
import { seedsFor } from '../seeds/sources.ts';
import { waitForRoom } from '../volumes/full-disk.ts';
import type { Attachments } from '../../networks/attachments/attachments.ts';
import { closeLinks } from '../../networks/attachments/host-links.ts';
import { networkAttachmentDefinitions } from '../../networks/definitions/network-attachment-definition.ts';
import { asUsed } from '../volumes/read-only.ts';
import { syncCards } from '../network-links/cards.ts';
import { syncHotplug } from '../volumes/hotplug.ts';
import { fillOpenTrays, startsWithOpenTray } from '../volumes/open-tray.ts';
import type { SavedStates } from '../rest/saved-state.ts';
import { volumeStatuses } from '../volumes/volume-status.ts';

export interface InstanceParts {
  context: EngineContext;
  guests: Guests;
  disks: DiskCatalog;
  saved: SavedStates;
  networks: Attachments;
}

export function controlInstances(parts: InstanceParts): Controller {
  const { resources } = parts.context;
  /** Instances that may be waiting for what changed. */
  const waiting = ({ metadata }: KubeObject): Key[] =>
    resources
      .list(virtualMachineInstances, { namespace: metadata.namespace ?? '' })
      .filter((vmi) => !isFinal(vmi) && (!reachedRunning(vmi) || claimsOf(vmi).some(({ name }) => name === metadata.name)))
      .map(keyOf);
  const seeded = ({ metadata }: KubeObject, kind: 'secrets' | 'configMaps'): Key[] =>
    resources
      .list(virtualMachineInstances, { namespace: metadata.namespace ?? '' })
      .filter((vmi) => !isFinal(vmi) && (reachedRunning(vmi) ? followed(vmi, kind) : seedReferences(vmi)[kind]).has(metadata.name ?? ''))
      .map(keyOf);
  /** When a guest's power button was pressed last. */
  const pressed = new Map<string, number>();
  const controller = createController(parts.context, {
    of: virtualMachineInstances,
    related: [
      related({ of: dataVolumes, keys: ({ object }) => waiting(object) }),
      related({ of: persistentVolumeClaims, keys: ({ object }) => waiting(object) }),
      related({ of: secrets, keys: ({ object }) => seeded(object, 'secrets') }),
      related({ of: configMaps, keys: ({ object }) => seeded(object, 'configMaps') }),
      // One may be named from any namespace.
      related({ of: networkAttachmentDefinitions, keys: () => resources.list(virtualMachineInstances).filter((vmi) => !isFinal(vmi) && !reachedRunning(vmi)).map(keyOf) }),
    ],
    reconcile: (key) => reconcile(parts, pressed, key),
  });
  const find = (uid: string): VirtualMachineInstance | undefined =>
    resources.list(virtualMachineInstances).find(({ metadata }) => metadata.uid === uid);
  parts.guests.onChange = (uid) => {
    const vmi = find(uid);
    if (vmi) controller.enqueue(keyOf(vmi));
  };
  parts.guests.onReboot = (uid) => {
    const vmi = find(uid);
    if (vmi) parts.context.events.record(vmi, 'Normal', 'Rebooted', 'The guest rebooted.');
  };
  return controller;
}

/** What a running guest is given anew when it changes. */
const followed = (vmi: VirtualMachineInstance, kind: 'secrets' | 'configMaps'): Set<string> => new Set(kind === 'secrets' ? agentSecretNames(vmi) : []);

const keyOf = ({ metadata }: VirtualMachineInstance): Key => ({ namespace: metadata.namespace, name: metadata.name ?? '' });
/** How soon a guest that does not answer is asked again; when it answers by itself, it is at once. */
const askAgainMs = 5000;
/** How soon networks are looked at again that were not there. */
const networkRetryMs = 10_000;
const pressAgainMs = 10_000;
const timestamp = (): string => new Date().toISOString();

async function reconcile(parts: InstanceParts, pressed: Map<string, number>, key: Key): Promise<ReconcileResult> {
  const { context, guests } = parts;
  const vmi = context.resources.get(virtualMachineInstances, key.namespace, key.name);
  if (!vmi || guests.atRest) return undefined;
  const uid = vmi.metadata.uid ?? '';
  const guest = guests.get(uid);
  if (vmi.metadata.deletionTimestamp !== undefined) return end(parts, pressed, vmi, guest);
  if (isFinal(vmi)) {
    // What has ended does not run.
    await guest?.kill();
    return undefined;
  }
  if (guest) return describe(parts, vmi, guest);
  if (reachedRunning(vmi)) { ended(parts, vmi); return; }
  return start(parts, vmi);
}

async function start(parts: InstanceParts, vmi: VirtualMachineInstance): Promise<ReconcileResult> {
  const { context, guests } = parts;
  const found = findVolumes(parts, vmi);
  if ('waiting' in found) {
    const { waiting: message, missing } = found;
    change(context, vmi, (status) => {
      const now = timestamp();
      enterPhase(status, { phase: 'Pending', reason: 'VolumesNotReady', message }, now);
      const failed = missing ? ({ status: 'False', reason: 'FailedPvcNotFound', message } as const) : undefined;
      status.conditions = setCondition(status.conditions ?? [], 'Synchronized', failed, now);
    });
    return undefined;
  }
  const begun = timestamp();
  let links: ReadonlyMap<string, HostLink> = new Map();
  try {
    const seeds = seedsFor(context.resources, vmi);
    if ('waiting' in seeds) {
      const told = findCondition(vmi.status?.conditions, 'Ready')?.message;
      if (told !== seeds.waiting) context.events.record(vmi, 'Warning', 'FailedMount', seeds.waiting);
      change(context, vmi, (status) =>
        enterPhase(status, { phase: 'Pending', reason: 'VolumesNotReady', message: seeds.waiting }, timestamp()),
      );
      return undefined;
    }
    const attached = await parts.networks.attach(context.resources, vmi);
    if ('waiting' in attached) return waitForNetworks(context, vmi, attached.waiting);
    ({ links } = attached);
    await wake(parts, { vmi, volumes: found.volumes, discs: seeds.discs, links });
  } catch (error) {
    await parts.networks.release(vmi.metadata.uid ?? '');
    const { message, hint } = asHayloftError(error);
    const words = hint === undefined ? message : `${message} ${hint}`;
    context.events.record(vmi, 'Warning', 'SyncFailed', words);
    change(context, vmi, (status) => {
      status.reason = words;
      enterPhase(status, { phase: 'Failed', reason: 'GuestNotRunning', message: words }, timestamp());
    });
    return undefined;
  } finally {
    // QEMU has its own by now.
    closeLinks(links);
  }
  const guest = guests.get(vmi.metadata.uid);
  const result = guest ? await describe(parts, vmi, guest, begun) : undefined;
  context.events.record(vmi, 'Normal', 'Created', 'VirtualMachineInstance defined.');
  context.events.record(vmi, 'Normal', 'Started', 'VirtualMachineInstance started.');
  return result;
}

/** A bridge may be made, and rights be given, while it waits. */
function waitForNetworks(context: EngineContext, vmi: VirtualMachineInstance, message: string): ReconcileResult {
  if (findCondition(vmi.status?.conditions, 'Ready')?.message !== message) context.events.record(vmi, 'Warning', 'NetworksNotReady', message);
  change(context, vmi, (status) => {
    const now = timestamp();
    enterPhase(status, { phase: 'Pending', reason: 'NetworksNotReady', message }, now);
    status.conditions = setCondition(status.conditions ?? [], 'Synchronized', { status: 'False', reason: 'FailedCreate', message }, now);
  });
  return { requeueAfterMs: networkRetryMs };
}

/** Starts the guest's process, with the state that was saved of it when there is one. */
async function wake({ context, guests, saved }: InstanceParts, plan: GuestPlan): Promise<void> {
  const { vmi } = plan;
  const uid = vmi.metadata.uid ?? '';
  if (saved.find(uid) !== undefined) {
    const waiting = await guests.hypervisor.start({ ...plan, incoming: true });
    try {
      await saved.restore(waiting, findCondition(vmi.status?.conditions, 'Paused')?.reason !== 'PausedByUser');
      guests.hold(waiting);
      context.events.record(vmi, 'Normal', 'Restored', 'The machine goes on from its saved state.');
      return;
    } catch (error) {
      // Another QEMU or another processor may not take it. The disks are as after a power cut.
      context.events.record(vmi, 'Warning', 'RestoreFailed', `The saved state could not be used, so the machine boots: ${asHayloftError(error).message}`);
      saved.remove(uid);
      await waiting.kill();
    }
  }
  guests.hold(await guests.hypervisor.start(plan));
}

function findVolumes({ disks }: InstanceParts, vmi: VirtualMachineInstance): { volumes: Map<string, DiskFile> } | { waiting: string; missing: boolean } {
  const volumes = new Map<string, DiskFile>();
  for (const volume of vmi.spec.volumes ?? []) {
    const { name } = volume;
    const claim = claimNameOf(volume);
    if (claim === undefined) continue;
    const disk = disks.find(vmi.metadata.namespace ?? 'default', claim);
    // What comes later is not waited for. What is there is in the drive from the start, where one can boot from it.
    if (disk.state !== 'ready' && isHotpluggable(volume)) continue;
    if (disk.state === 'missing') return { waiting: `The volume ${claim} does not exist.`, missing: true };
    if (disk.state === 'pending') return { waiting: disk.message, missing: false };
    volumes.set(name, asUsed(volume, disk.file));
  }
  return { volumes };
}

/** @param begun when its process was asked for, if that was just now */
async function describe(parts: InstanceParts, vmi: VirtualMachineInstance, guest: Guest, begun?: string): Promise<ReconcileResult> {
  const { context, guests } = parts;
  const [state, acceleration] = await Promise.all([stateOf(guest), guests.hypervisor.acceleration()]);
  // It ended while it was asked; its end comes as a change of its own.
  if (guests.get(guest.uid) !== guest) return undefined;
  if (state === undefined) {
    context.events.record(vmi, 'Warning', 'NotResponding', 'QEMU runs and does not answer.');
    change(context, vmi, (status) => describeMute(status, timestamp()));
    return { requeueAfterMs: askAgainMs };
  }
  const { present, lookAgainMs: cardsAgainMs } = await syncCards(parts, vmi, guest);
  await guests.links.sync(guest, withCards(vmi, present));
  if (startsWithOpenTray(vmi)) await fillOpenTrays(vmi, guest);
  const { states, lookAgainMs } = await syncHotplug(parts, vmi, guest);
  const full = state === 'io-error' ? await waitForRoom(vmi, guest) : undefined;
  const access = accessOf(parts, vmi, guest);
  const claimOf = (name: string): PersistentVolumeClaim | undefined => context.resources.get(persistentVolumeClaims, vmi.metadata.namespace, name);
  change(context, vmi, (status) => {
    const now = timestamp();
    if (begun !== undefined) beginLife(status, vmi, begun);
    enterPhase(status, { phase: 'Running' }, now);
    status.volumeStatus = volumeStatuses(vmi, states, claimOf);
    describeRunning(status, withCards(vmi, present), { state, nodeName: context.nodeName, acceleration, full: full?.message }, now);
    describeAgent(status, guests.agents.get(guest.uid), now, guests.freezes.isFrozen(guest.uid));
    if (access) describeAccess(status, access, now);
  });
  tellOfPause(parts, vmi, state, full?.message);
  const why = crashes[state];
  if (why !== undefined) await guest.kill({ clean: false, message: why });
  if (access) tellOfAccess(parts, vmi, access);
  const again = Math.min(lookAgainMs ?? Infinity, cardsAgainMs ?? Infinity, full?.lookAgainMs ?? Infinity, access?.lookAgainMs ?? Infinity);
  return Number.isFinite(again) ? { requeueAfterMs: again } : undefined;
}

/** The instance with the interfaces that its guest has. @param present their names; undefined: all */
function withCards(vmi: VirtualMachineInstance, present: ReadonlySet<string> | undefined): VirtualMachineInstance {
  if (!present) return vmi;
  const { devices } = vmi.spec.domain;
  const interfaces = (devices.interfaces ?? []).filter(({ name }) => present.has(name));
  return { ...vmi, spec: { ...vmi.spec, domain: { ...vmi.spec.domain, devices: { ...devices, interfaces } } } };
}

/** Undefined where nothing is given through the agent, and while it is. */
function accessOf({ context, guests }: InstanceParts, vmi: VirtualMachineInstance, guest: Guest): AccessState | undefined {
  if (!usesAgentCredentials(vmi)) return undefined;
  return guests.access.look(guest, vmi, (name) => context.resources.get(secrets, vmi.metadata.namespace, name));
}

const crashes: Partial<Record<GuestState, string>> = {
  crashed: 'The guest crashed (kernel panic).',
  'internal-error': 'QEMU stopped the guest because of an internal error.',
};

/** @param vmi as it was before: what it says already is no news */
function tellOfPause({ context }: InstanceParts, vmi: VirtualMachineInstance, state: GuestState, full: string | undefined): void {
  const was = findCondition(vmi.status?.conditions, 'Paused')?.reason;
  const now = pausedCondition(state, full);
  if (was === now?.reason) return;
  if (now) context.events.record(vmi, state === 'paused' ? 'Normal' : 'Warning', now.reason, now.message);
  else context.events.record(vmi, 'Normal', 'Resumed', 'VirtualMachineInstance resumed.');
}

/** @param vmi as it was before: what it says already is no news */
function tellOfAccess({ context }: InstanceParts, vmi: VirtualMachineInstance, access: AccessState): void {
  const before = findCondition(vmi.status?.conditions, ACCESS_CONDITION);
  const { status, message } = accessCondition(access);
  if (before?.status === status && before.message === message) return;
  if (status === 'True') context.events.record(vmi, 'Normal', 'AccessCredentialsSyncSuccess', 'Access credentials sync successful.');
  else context.events.record(vmi, 'Warning', 'AccessCredentialsSyncFailed', `Access credentials sync failed: ${message ?? ''}`);
}

/** The guest ran and is gone. */
function ended({ context, guests }: InstanceParts, vmi: VirtualMachineInstance): undefined {
  const exit = guests.exit(vmi.metadata.uid ?? '') ?? {
    clean: false,
    message: 'The machine was not running any more when the engine came back.',
  };
  context.events.record(vmi, exit.clean ? 'Normal' : 'Warning', 'Stopped', exit.message);
  enterEnd(context, vmi, exit);
}

function enterEnd(context: EngineContext, vmi: VirtualMachineInstance, { clean, message }: GuestExit): void {
  change(context, vmi, (status) => {
    status.reason = message;
    enterPhase(status, { phase: clean ? 'Succeeded' : 'Failed', message }, timestamp());
  });
}

/** Asks the guest to shut down, and turns it off when its time is over. */
async function end(
  { context, guests, saved }: InstanceParts,
  pressed: Map<string, number>,
  vmi: VirtualMachineInstance,
  guest: Guest | undefined,
): Promise<ReconcileResult> {
  const uid = vmi.metadata.uid ?? '';
  if (guest) {
    const left = graceLeftMs(vmi);
    // A guest that stands still cannot answer its power button.
    if (left > 0 && (await stateOf(guest)) === 'running') {
      const last = pressed.get(uid);
      if (last === undefined) context.events.record(vmi, 'Normal', 'ShuttingDown', 'Signaled Graceful Shutdown');
      // A guest that was still starting may not have seen it the first time.
      if (last === undefined || Date.now() - last >= pressAgainMs) {
        pressed.set(uid, Date.now());
        // One that ends at this very moment needs it no more.
        await guest.powerDown().catch(() => undefined);
      }
      return { requeueAfterMs: Math.min(left, pressAgainMs) };
    }
    const late = { clean: false, message: 'The guest did not shut down in time and was turned off.' };
    await guest.kill(pressed.has(uid) && left <= 0 ? late : undefined);
    context.events.record(vmi, 'Normal', 'Deleted', 'Signaled Deletion');
  }
  pressed.delete(uid);
  const exit = guests.exit(uid);
  if (exit && !isFinal(vmi)) {
    context.events.record(vmi, 'Normal', 'Stopped', exit.message);
    enterEnd(context, vmi, exit);
  }
  context.resources.change(virtualMachineInstances, vmi.metadata.namespace, vmi.metadata.name ?? '', (draft) => {
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((name) => name !== GUEST_FINALIZER);
  });
  guests.forget(uid);
  saved.remove(uid);
  return undefined;
}

/** From when its deletion was asked for: an engine that comes back in between goes on counting. */
function graceLeftMs({ metadata, spec }: VirtualMachineInstance): number {
  const seconds = spec.terminationGracePeriodSeconds ?? 0;
  // Kubernetes' times are whole seconds, the next lower ones.
  return seconds === 0 ? 0 : Date.parse(metadata.deletionTimestamp ?? '') + (seconds + 1) * 1000 - Date.now();
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
