/**
 * What is kept of objects that there are thousands of: what lists, tasks and rooms are worked out from. A page about one
 * of them has the whole of it (`WatchCache.pin`). Fields that are not in an object are not in what is kept of it.
 */
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { DomainSpec, VirtualMachine, VirtualMachineInstance, Volume } from '#shared/kube/kubevirt.ts';
import type { Condition, KubeObject, ObjectMeta } from '#shared/kube/object.ts';
import { IMAGE_LABEL } from '#shared/kube/labels.ts';
import { SharedValues } from './shared-values.ts';

const shared = new SharedValues();

export function leanMachine(vm: VirtualMachine): VirtualMachine {
  const { spec, status } = vm as Partial<VirtualMachine>;
  const lean = { ...headOf(vm), metadata: { ...metadataOf(vm.metadata), ...some({ labels: shared.object(vm.metadata.labels), finalizers: shared.object(vm.metadata.finalizers) }) } };
  return {
    ...lean,
    ...(spec
      ? {
          spec: {
            ...some({ runStrategy: spec.runStrategy, running: spec.running, instancetype: spec.instancetype }),
            ...some({ dataVolumeTemplates: spec.dataVolumeTemplates?.map(({ metadata }) => ({ metadata: { name: metadata.name } })) }),
            template: { spec: templateOf(spec.template.spec) },
          },
        }
      : {}),
    ...(status ? { status: { ...without(status, ['volumeSnapshotStatuses']), ...conditionsOf(status.conditions) } } : {}),
  } as VirtualMachine;
}

export function leanInstance(vmi: VirtualMachineInstance): VirtualMachineInstance {
  const { spec, status } = vmi as Partial<VirtualMachineInstance>;
  return {
    ...headOf(vmi),
    metadata: metadataOf(vmi.metadata),
    ...(spec ? { spec: { domain: domainOf(spec.domain), ...some({ architecture: spec.architecture, startStrategy: spec.startStrategy, terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds }) } } : {}),
    ...(status
      ? {
          status: {
            ...some({ phase: status.phase, reason: status.reason, nodeName: shared.string(status.nodeName), migrationState: status.migrationState }),
            ...conditionsOf(status.conditions),
            ...some({
              interfaces: status.interfaces?.map(({ ipAddress, ipAddresses }) => (ipAddresses ? { ipAddresses } : some({ ipAddress }))),
              volumeStatus: status.volumeStatus?.map(({ name, phase, reason, message }) => some({ name: shared.string(name), phase, reason, message })),
              phaseTransitionTimestamps: status.phaseTransitionTimestamps?.filter(({ phase }) => phase === 'Running'),
            }),
          },
        }
      : {}),
  } as VirtualMachineInstance;
}

/** Of volumes that are images, what their page tells; of all others what a disk says of its making. */
export function leanVolume(volume: DataVolume): DataVolume {
  const { metadata } = volume;
  const { spec, status } = volume as Partial<DataVolume>;
  if (metadata.labels?.[IMAGE_LABEL] !== undefined) return volume;
  return {
    ...headOf(volume),
    metadata: { ...metadataOf(metadata), ...some({ ownerReferences: metadata.ownerReferences }) },
    spec: some({ source: spec?.source && Object.fromEntries(Object.keys(spec.source).map((kind) => [kind, {}])) }),
    ...(status ? { status: { ...status, ...conditionsOf(status.conditions) } } : {}),
  };
}

/** They are the same words in all objects of a kind. */
const headOf = ({ apiVersion, kind }: KubeObject): Pick<KubeObject, 'apiVersion' | 'kind'> => ({ apiVersion: shared.string(apiVersion), kind: shared.string(kind) });

function metadataOf({ name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp }: ObjectMeta): ObjectMeta {
  return some({ name, namespace: shared.string(namespace), uid, resourceVersion, creationTimestamp, deletionTimestamp });
}

function templateOf(spec: VirtualMachine['spec']['template']['spec']): object {
  return { domain: domainOf(spec.domain), ...some({ volumes: spec.volumes?.map(volumeOf) }) };
}

/** What is written on discs for the guest is long, and nobody's business here. */
function volumeOf(volume: Volume): object {
  const known = volume as Volume & { containerDisk?: unknown; ephemeral?: unknown };
  const { dataVolume, persistentVolumeClaim, containerDisk, ephemeral } = known;
  return some({ name: shared.string(volume.name), dataVolume, persistentVolumeClaim, containerDisk, ephemeral });
}

/** Machines are made in few sizes. */
function domainOf({ cpu, memory, resources, devices }: DomainSpec): object | undefined {
  const { autoattachGraphicsDevice, autoattachSerialConsole, tpm } = devices;
  return shared.object(some({ cpu, memory, resources, devices: some({ autoattachGraphicsDevice, autoattachSerialConsole, tpm }) }));
}

function conditionsOf(conditions: readonly Condition[] | undefined): { conditions?: Condition[] } {
  return conditions ? { conditions: conditions.map((condition) => shared.texts(condition)) } : {};
}

const without = <T extends object>(object: T, names: readonly (keyof T)[]): Partial<T> =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name as keyof T))) as Partial<T>;

/** Without the properties that have no value: a new object, as one from which something was deleted takes more memory. */
function some<T extends object>(object: T): T {
  const found: Partial<T> = {};
  for (const name of Object.keys(object) as (keyof T)[]) if (object[name] !== undefined) found[name] = object[name];
  return found as T;
}
