/** The kinds that are watched, and the paths of their lists. */
import type { CdiConfig, DataVolume } from '#shared/kube/cdi.ts';
import type { VirtualMachineClone } from '#shared/kube/clone.ts';
import type { ConfigMap, KubeEvent, KubeNode, PersistentVolumeClaim, Secret, StorageClass } from '#shared/kube/core.ts';
import type { VirtualMachineExport } from '#shared/kube/export.ts';
import type { Instancetype, Preference } from '#shared/kube/instancetype.ts';
import type { VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { VirtualMachineInstanceMigration } from '#shared/kube/migration.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Service } from '#shared/kube/service.ts';
import type { VirtualMachineRestore, VirtualMachineSnapshot, VirtualMachineSnapshotContent } from '#shared/kube/snapshot.ts';
import { leanInstance, leanMachine, leanVolume } from './lean-objects.ts';

export interface Kind<T extends KubeObject> {
  /** `/apis/kubevirt.io/v1`, or `/api/v1` for the core group. */
  base: string;
  plural: string;
  /** Its objects are in no namespace. */
  clusterWide?: true;
  /** Its group is not on every cluster: where it is not served there are none, and nobody is told that they are missing. */
  optional?: true;
  /**
   * There may be thousands: what is kept of each. May take the object apart, or be it. `enough`: that is enough for
   * everybody, and no page needs more.
   */
  lean?: { of(object: T): T; enough?: true };
  /** Never read: it ties the type of the objects to the kind. */
  readonly objects?: T;
}

const kind = <T extends KubeObject>(base: string, plural: string, lean?: Kind<T>['lean']): Kind<T> => ({ base, plural, ...(lean ? { lean } : {}) });

export const virtualMachines = kind<VirtualMachine>('/apis/kubevirt.io/v1', 'virtualmachines', { of: leanMachine });
export const virtualMachineInstances = kind<VirtualMachineInstance>('/apis/kubevirt.io/v1', 'virtualmachineinstances', { of: leanInstance });
export const migrations = kind<VirtualMachineInstanceMigration>('/apis/kubevirt.io/v1', 'virtualmachineinstancemigrations');
/** In the version that KubeVirt serves from 1.0 to today. */
export const snapshots = kind<VirtualMachineSnapshot>('/apis/snapshot.kubevirt.io/v1beta1', 'virtualmachinesnapshots');
export const snapshotContents = kind<VirtualMachineSnapshotContent>('/apis/snapshot.kubevirt.io/v1beta1', 'virtualmachinesnapshotcontents');
export const restores = kind<VirtualMachineRestore>('/apis/snapshot.kubevirt.io/v1beta1', 'virtualmachinerestores');
export const clones = kind<VirtualMachineClone>('/apis/clone.kubevirt.io/v1beta1', 'virtualmachineclones');
export const dataVolumes = kind<DataVolume>('/apis/cdi.kubevirt.io/v1beta1', 'datavolumes', { of: leanVolume, enough: true });
export const claims = kind<PersistentVolumeClaim>('/api/v1', 'persistentvolumeclaims');
export const nodes: Kind<KubeNode> = { ...kind<KubeNode>('/api/v1', 'nodes'), clusterWide: true };
export const exports = kind<VirtualMachineExport>('/apis/export.kubevirt.io/v1beta1', 'virtualmachineexports');
export const storageClasses: Kind<StorageClass> = { ...kind<StorageClass>('/apis/storage.k8s.io/v1', 'storageclasses'), clusterWide: true };
export const events = kind<KubeEvent>('/api/v1', 'events');
export const services = kind<Service>('/api/v1', 'services');
export const secrets = kind<Secret>('/api/v1', 'secrets');
export const configMaps = kind<ConfigMap>('/api/v1', 'configmaps');
export const networkAttachmentDefinitions = kind<KubeObject & { spec?: { config?: string } }>('/apis/k8s.cni.cncf.io/v1', 'network-attachment-definitions');
export const clusterInstancetypes: Kind<Instancetype> = {
  ...kind<Instancetype>('/apis/instancetype.kubevirt.io/v1beta1', 'virtualmachineclusterinstancetypes'),
  clusterWide: true,
};
export const clusterPreferences: Kind<Preference> = {
  ...kind<Preference>('/apis/instancetype.kubevirt.io/v1beta1', 'virtualmachineclusterpreferences'),
  clusterWide: true,
};
export const cdiConfigs = kind<CdiConfig>('/apis/cdi.kubevirt.io/v1beta1', 'cdiconfigs');

/** The path of one object, or of the list where no name is given. */
export function pathOf(of: Kind<KubeObject>, namespace: string | undefined, name?: string): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${of.base}${scope}/${of.plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}

/** The path of one of KubeVirt's actions or consoles. */
export function subresourcePath(
  resource: 'virtualmachines' | 'virtualmachineinstances',
  at: { namespace: string; name: string },
  action: string,
): string {
  const [namespace, name] = [at.namespace, at.name].map(encodeURIComponent);
  return `/apis/subresources.kubevirt.io/v1/namespaces/${namespace}/${resource}/${name}/${action}`;
}
