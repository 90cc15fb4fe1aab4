/** Makes machines run, or not, as their run strategy says; and makes and keeps what they own. */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { runStrategyOf } from '#shared/kube/machine-status.ts';
import type { KubeObject, OwnerReference } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { ApiError } from '../../api/errors.ts';
import { createController, related, type Controller, type Key, type ReconcileResult } from '../../controller.ts';
import type { EngineContext } from '../../context.ts';
import { dataVolumes } from '../../disks/definitions/data-volume.ts';
import { claimNameOf } from '../../disks/machine-use.ts';
import { persistentVolumeClaims } from '../../disks/definitions/persistent-volume-claim.ts';
import type { DiskCatalog } from '../../disks/types.ts';
import { expandTemplate, type Template } from '../../instancetypes/expand.ts';
import { findTypes, typeAnnotations } from '../../instancetypes/find.ts';
import { keepTypes } from '../../instancetypes/revisions.ts';
import type { Resources } from '../../store/resources.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../definitions/virtual-machine.ts';
import { isFinal, SHORT_LIFE_MS } from './instance-status.ts';
import { isHotpluggable } from '../../qemu/hotplug/hotpluggable.ts';
import { cardsNeedRestart, declaredCards, PLUGGED_ANNOTATION, withoutAbsent } from '../network-links/declared-cards.ts';
import { declaredLinks } from '../network-links/links.ts';
import { declaredSpec, fixedPart } from '../volumes/declared.ts';
import { summarize, type DisksSummary } from './machine-summary.ts';
import { decide, openRequests, startsPaused, type Decision } from './run-decision.ts';
import { setRunStrategy } from './run-strategy.ts';
import { nextStartFailure, waitLeft } from './start-failure.ts';

/** Holds a machine until its instance is gone. KubeVirt's own name for it. */
const MACHINE_FINALIZER = 'kubevirt.io/virtualMachineControllerFinalize';
/** On an instance: which template it was made from. */
const TEMPLATE_ANNOTATION = 'hayloft.io/template';
/** When an instance that could not be made is tried again; what keeps it from being made may end unseen. */
const failedRetryMs = 30_000;

export interface MachineParts {
  context: EngineContext;
  disks: DiskCatalog;
  /** DataVolumes with all their checks. */
  volumes: ResourceDefinition<DataVolume>;
  /** Instances with all their checks. */
  instances: ResourceDefinition<VirtualMachineInstance>;
}

export function controlMachines(parts: MachineParts): Controller {
  const { resources } = parts.context;
  const ofOwner = ({ metadata }: DataVolume | VirtualMachineInstance): Key[] =>
    (metadata.ownerReferences ?? [])
      .filter(({ kind }) => kind === 'VirtualMachine')
      .map(({ name }) => ({ namespace: metadata.namespace, name }));
  // A machine may wait for a volume that is not its own.
  const users = ({ metadata }: KubeObject): Key[] =>
    resources
      .list(virtualMachines, { namespace: metadata.namespace ?? '' })
      .filter((vm) => claimNames(vm).includes(metadata.name ?? ''))
      .map((vm) => ({ namespace: vm.metadata.namespace, name: vm.metadata.name ?? '' }));
  return createController(parts.context, {
    of: virtualMachines,
    related: [
      related({ of: virtualMachineInstances, keys: ({ object }) => ofOwner(object) }),
      related({ of: dataVolumes, keys: ({ object }) => users(object) }),
      related({ of: persistentVolumeClaims, keys: ({ object }) => users(object) }),
    ],
    reconcile: (key) => reconcile(parts, key),
  });
}

async function reconcile(parts: MachineParts, key: Key): Promise<ReconcileResult> {
  const { resources } = parts.context;
  const vm = resources.get(virtualMachines, key.namespace, key.name);
  if (!vm) return undefined;
  const vmi = instanceOf(resources, vm);
  if (vm.metadata.deletionTimestamp !== undefined) {
    letGo(parts, vm, vmi);
    return undefined;
  }
  hold(parts, vm);
  keepTypes(resources, vm, ownerReference(vm));
  let failure = makeVolumes(parts, vm);
  const disks = summarizeDisks(parts, vm);
  const decision = decide({ vm, vmi });
  let retryMs: number | undefined;
  if (vmi && !isFinal(vmi) && vmi.metadata.deletionTimestamp === undefined) carryOver(parts, vm, vmi);
  if (decision === 'stop' && vmi) {
    stop(parts, vm, vmi);
  } else if (decision === 'switch-on') {
    setRunStrategy(resources, vm, 'Always');
  } else if (decision === 'start') {
    retryMs = waitLeft(vm);
    // While its disks are replaced it stays off; the end of that brings us back.
    if (disks.state === 'ready' && retryMs === undefined && vm.status?.restoreInProgress === undefined) {
      failure = makeInstance(parts, vm) ?? failure;
      // The guest's process is made first: what is told here waits for the disk.
      await setImmediate();
    }
  }
  const told = tell(parts, key, disks, failure, decision);
  if (failure !== undefined) retryMs ??= failedRetryMs;
  // Failures are forgotten once the guest has stayed up, and nothing else happens then.
  if (told?.status?.startFailure && told.status.created === true) retryMs ??= SHORT_LIFE_MS;
  return retryMs === undefined ? undefined : { requeueAfterMs: retryMs };
}

/** The machine's own instance: another's may have its name. */
function instanceOf(resources: Resources, vm: VirtualMachine): VirtualMachineInstance | undefined {
  const found = resources.get(virtualMachineInstances, vm.metadata.namespace, vm.metadata.name ?? '');
  return found?.metadata.ownerReferences?.some(({ uid }) => uid === vm.metadata.uid) === true ? found : undefined;
}

function tell(
  parts: MachineParts,
  key: Key,
  disks: DisksSummary,
  failure: string | undefined,
  decision: Decision,
): VirtualMachine | undefined {
  const { resources } = parts.context;
  return resources.changeStatus(virtualMachines, key.namespace, key.name, (draft) => {
    const vmi = instanceOf(resources, draft);
    const status = (draft.status ??= {});
    const strategy = runStrategyOf(draft);
    const began = vmi !== undefined;
    // Remembered only once it has begun: a strategy that begins by itself must not be forgotten while disks are made.
    if (decision !== 'start' || began) status.runStrategy = strategy;
    const open = openRequests({ vm: draft, vmi });
    if (open.length > 0) status.stateChangeRequests = open;
    else delete status.stateChangeRequests;
    const startFailure = nextStartFailure(status.startFailure, strategy, vmi);
    if (startFailure) status.startFailure = startFailure;
    else delete status.startFailure;
    const templateChanged =
      vmi !== undefined &&
      (vmi.metadata.annotations?.[TEMPLATE_ANNOTATION] !== fingerprint(draft) || cardsNeedRestart(() => typedTemplate(resources, draft).template.spec, vmi));
    const wantsToRun = decision === 'start' || (decision === 'stop' && strategy !== 'Halted');
    summarize(status, { vm: draft, vmi, disks, wantsToRun, templateChanged, failure }, new Date().toISOString());
  });
}

function hold({ context }: MachineParts, vm: VirtualMachine): void {
  if (vm.metadata.finalizers?.includes(MACHINE_FINALIZER)) return;
  context.resources.change(virtualMachines, vm.metadata.namespace, vm.metadata.name ?? '', (draft) => {
    draft.metadata.finalizers = [...(draft.metadata.finalizers ?? []), MACHINE_FINALIZER];
  });
}

function letGo({ context }: MachineParts, vm: VirtualMachine, vmi: VirtualMachineInstance | undefined): void {
  const { resources } = context;
  const { namespace, name = '' } = vm.metadata;
  if (vmi) {
    resources.delete(virtualMachineInstances, namespace, name);
    resources.changeStatus(virtualMachines, namespace, name, (draft) => ((draft.status ??= {}).printableStatus = 'Terminating'));
    return;
  }
  resources.change(virtualMachines, namespace, name, (draft) => {
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== MACHINE_FINALIZER);
  });
}

const ownerReference = (vm: VirtualMachine): OwnerReference => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  name: vm.metadata.name ?? '',
  uid: vm.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
});

/** @returns what is wrong with a template, if one is */
function makeVolumes({ context, volumes }: MachineParts, vm: VirtualMachine): string | undefined {
  const { resources } = context;
  const { namespace } = vm.metadata;
  for (const { metadata, spec } of vm.spec.dataVolumeTemplates ?? []) {
    if (resources.get(dataVolumes, namespace, metadata.name ?? '')) continue;
    const { labels, annotations, name } = metadata;
    try {
      resources.create(volumes, {
        apiVersion: 'cdi.kubevirt.io/v1beta1',
        kind: 'DataVolume',
        metadata: {
          ...(name === undefined ? {} : { name }),
          ...(namespace === undefined ? {} : { namespace }),
          ...(labels ? { labels } : {}),
          ...(annotations ? { annotations } : {}),
          ownerReferences: [ownerReference(vm)],
        },
        spec: structuredClone(spec),
      });
      context.events.record(vm, 'Normal', 'SuccessfulDataVolumeCreate', `Created DataVolume ${name ?? ''}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      context.events.record(vm, 'Warning', 'FailedDataVolumeCreate', error.message);
      return error.message;
    }
  }
  return undefined;
}

/** Claims that the machine cannot start without. */
function claimNames(vm: VirtualMachine): string[] {
  return (vm.spec.template.spec.volumes ?? [])
    .filter((volume) => !isHotpluggable(volume))
    .map(claimNameOf)
    .filter((name) => name !== undefined);
}

function summarizeDisks({ context, disks }: MachineParts, vm: VirtualMachine): DisksSummary {
  for (const name of claimNames(vm)) {
    const disk = disks.find(vm.metadata.namespace ?? 'default', name);
    if (disk.state === 'pending') return { state: disk.phase === 'Failed' ? 'failed' : 'pending', message: disk.message };
    if (disk.state === 'missing') {
      const coming = context.resources.get(dataVolumes, vm.metadata.namespace, name);
      return { state: coming ? 'pending' : 'missing', message: `The volume ${name} does not exist.` };
    }
  }
  return { state: 'ready', message: '' };
}

/** Without types it is of the template alone: machines that run know it so. */
function fingerprint({ spec }: VirtualMachine): string {
  const { instancetype, preference } = spec;
  const types = instancetype || preference ? JSON.stringify({ instancetype, preference }) : '';
  return createHash('sha256').update(JSON.stringify(fixedPart(spec.template.spec)) + types).digest('hex').slice(0, 16);
}

/** The template with the machine's types in it, or why there is none. */
function typedTemplate(resources: Resources, vm: VirtualMachine): { template: Template; failure: string | undefined } {
  if (!vm.spec.instancetype && !vm.spec.preference) return { template: vm.spec.template, failure: undefined };
  // What is kept of them was noted a moment ago.
  const noted = resources.get(virtualMachines, vm.metadata.namespace, vm.metadata.name ?? '')?.status;
  const { types, causes } = findTypes(resources, vm, noted);
  const { template, causes: against } = expandTemplate(vm.spec.template, types, 'spec.template.spec');
  const texts = [...causes, ...against].map(({ message }) => message ?? '');
  return { template, failure: texts.length > 0 ? texts.join(', ') : undefined };
}

/** @returns why it could not be made */
function makeInstance({ context, instances }: MachineParts, vm: VirtualMachine): string | undefined {
  const { template, failure } = typedTemplate(context.resources, vm);
  if (failure !== undefined) {
    context.events.record(vm, 'Warning', 'FailedCreate', `Error creating virtual machine instance: ${failure}`);
    return failure;
  }
  const { metadata, spec } = template;
  const instance: VirtualMachineInstance = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: {
      name: vm.metadata.name ?? '',
      ...(vm.metadata.namespace === undefined ? {} : { namespace: vm.metadata.namespace }),
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      annotations: { ...metadata?.annotations, ...typeAnnotations(vm), [TEMPLATE_ANNOTATION]: fingerprint(vm) },
      ownerReferences: [ownerReference(vm)],
    },
    spec: structuredClone(withoutAbsent(spec)),
  };
  if (startsPaused(vm)) instance.spec.startStrategy = 'Paused';
  // What the guest knows itself by stays the same over restarts.
  instance.spec.domain.firmware = { uuid: vm.metadata.uid ?? '', ...instance.spec.domain.firmware };
  try {
    context.resources.create(instances, instance);
    context.events.record(vm, 'Normal', 'SuccessfulCreate', `Started the virtual machine by creating the new virtual machine instance ${vm.metadata.name ?? ''}`);
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    context.events.record(vm, 'Warning', 'FailedCreate', `Error creating virtual machine instance: ${error.message}`);
    return error.message;
  }
}

/** Disks and cards that come and go, and links: the instance takes them from the template while it runs. */
function carryOver({ context }: MachineParts, vm: VirtualMachine, vmi: VirtualMachineInstance): void {
  const { template, failure } = typedTemplate(context.resources, vm);
  const declared = (draft: VirtualMachineInstance): { spec: VirtualMachineInstance['spec']; plugged?: string } | undefined => {
    const disks = declaredSpec(template.spec, draft);
    const spec = declaredLinks(template.spec, disks ?? draft.spec) ?? disks;
    return declaredCards(template.spec, spec ? { ...draft, spec } : draft) ?? (spec && { spec });
  };
  if (failure !== undefined || declared(vmi) === undefined) return;
  context.resources.change(virtualMachineInstances, vmi.metadata.namespace, vmi.metadata.name ?? '', (draft) => {
    const next = draft.metadata.uid === vmi.metadata.uid ? declared(draft) : undefined;
    if (!next) return;
    draft.spec = next.spec;
    if (next.plugged !== undefined) draft.metadata.annotations = { ...draft.metadata.annotations, [PLUGGED_ANNOTATION]: next.plugged };
  });
}

function stop({ context }: MachineParts, vm: VirtualMachine, vmi: VirtualMachineInstance): void {
  const { resources } = context;
  const { namespace, name = '' } = vm.metadata;
  if (vmi.metadata.deletionTimestamp !== undefined) return;
  // Noted before the instance goes: an engine that ends in between must not forget what is to follow.
  resources.changeStatus(virtualMachines, namespace, name, (draft) => {
    const status = (draft.status ??= {});
    const strategy = runStrategyOf(draft);
    const startFailure = nextStartFailure(status.startFailure, strategy, vmi);
    if (startFailure) status.startFailure = startFailure;
    const again = strategy === 'RerunOnFailure' && vmi.status?.phase === 'Failed';
    const asked = status.stateChangeRequests?.some(({ action }) => action === 'Start') ?? false;
    if (again && !asked) status.stateChangeRequests = [...(status.stateChangeRequests ?? []), { action: 'Start' }];
  });
  context.events.record(vm, 'Normal', 'SuccessfulDelete', `Stopped the virtual machine by deleting the virtual machine instance ${vmi.metadata.uid ?? ''}`);
  resources.delete(virtualMachineInstances, namespace, name, { ...(vmi.metadata.uid === undefined ? {} : { uid: vmi.metadata.uid }) });
}
