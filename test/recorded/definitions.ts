/** CustomResourceDefinitions of the kinds that the recorded objects are of: names, versions and scopes as their projects publish them, and schemas that take what was recorded. */
import type { KubeObject } from '../../shared/kube/object.ts';

type Scope = 'Namespaced' | 'Cluster';

interface Kind {
  kind: string;
  plural: string;
  scope?: Scope;
  shortNames?: string[];
  /** Without it, status is written with the rest. */
  status?: false;
}

const clusterWide = { scope: 'Cluster' } as const;
const kind = (name: string, plural: string, more: Omit<Kind, 'kind' | 'plural'> = {}): Kind => ({ kind: name, plural, ...more });

/** By `group/version`; the first version is the one that is stored. */
type Groups = Readonly<Record<string, { versions: string[]; kinds: Kind[] }>>;

/** KubeVirt (pkg/virt-operator/resource/generate/components/crds.go), CDI and Multus. */
export const kubeVirtKinds: Groups = {
  'kubevirt.io': {
    versions: ['v1', 'v1alpha3'],
    kinds: [
      kind('VirtualMachine', 'virtualmachines', { shortNames: ['vm', 'vms'] }),
      kind('VirtualMachineInstance', 'virtualmachineinstances', { shortNames: ['vmi', 'vmis'] }),
      kind('VirtualMachineInstanceMigration', 'virtualmachineinstancemigrations', { shortNames: ['vmim', 'vmims'] }),
      kind('KubeVirt', 'kubevirts', { shortNames: ['kv', 'kvs'] }),
    ],
  },
  'snapshot.kubevirt.io': {
    versions: ['v1beta1', 'v1alpha1'],
    kinds: [
      kind('VirtualMachineSnapshot', 'virtualmachinesnapshots', { shortNames: ['vmsnapshot', 'vmsnapshots'] }),
      kind('VirtualMachineSnapshotContent', 'virtualmachinesnapshotcontents'),
      kind('VirtualMachineRestore', 'virtualmachinerestores', { shortNames: ['vmrestore', 'vmrestores'] }),
    ],
  },
  'clone.kubevirt.io': { versions: ['v1beta1', 'v1alpha1'], kinds: [kind('VirtualMachineClone', 'virtualmachineclones')] },
  'instancetype.kubevirt.io': {
    versions: ['v1beta1'],
    kinds: [
      kind('VirtualMachineClusterInstancetype', 'virtualmachineclusterinstancetypes', { ...clusterWide, status: false }),
      kind('VirtualMachineClusterPreference', 'virtualmachineclusterpreferences', { ...clusterWide, status: false }),
    ],
  },
  'cdi.kubevirt.io': {
    versions: ['v1beta1'],
    kinds: [
      kind('DataVolume', 'datavolumes', { shortNames: ['dv', 'dvs'] }),
      kind('CDI', 'cdis', clusterWide),
      kind('CDIConfig', 'cdiconfigs', clusterWide),
      kind('StorageProfile', 'storageprofiles', clusterWide),
    ],
  },
  'k8s.cni.cncf.io': { versions: ['v1'], kinds: [kind('NetworkAttachmentDefinition', 'network-attachment-definitions', { shortNames: ['net-attach-def'], status: false })] },
};

/** Longhorn (k8s/crds.yaml) and Harvester (pkg/apis/harvesterhci.io/v1beta1). */
export const harvesterKinds: Groups = {
  'longhorn.io': {
    versions: ['v1beta2'],
    kinds: [
      kind('Node', 'nodes', { shortNames: ['lhn'] }),
      kind('Volume', 'volumes', { shortNames: ['lhv'] }),
      kind('Replica', 'replicas', { shortNames: ['lhr'] }),
      kind('Setting', 'settings', { shortNames: ['lhs'] }),
    ],
  },
  'harvesterhci.io': {
    versions: ['v1beta1'],
    kinds: [
      kind('VirtualMachineImage', 'virtualmachineimages', { shortNames: ['vmimage', 'vmimages'] }),
      kind('KeyPair', 'keypairs', { shortNames: ['kp', 'kps'] }),
      kind('Setting', 'settings', clusterWide),
    ],
  },
  'network.harvesterhci.io': { versions: ['v1beta1'], kinds: [kind('ClusterNetwork', 'clusternetworks', clusterWide)] },
};

export function definitionsOf(groups: Groups): KubeObject[] {
  return Object.entries(groups).flatMap(([group, { versions, kinds }]) => kinds.map((item) => definition(group, versions, item)));
}

const open = { 'x-kubernetes-preserve-unknown-fields': true } as const;

function definition(group: string, versions: readonly string[], { kind: name, plural, scope = 'Namespaced', shortNames = [], status }: Kind): KubeObject {
  const spec = {
    group,
    scope,
    names: { kind: name, listKind: `${name}List`, plural, singular: name.toLowerCase(), shortNames },
    versions: versions.map((version, index) => ({
      ...{ name: version, served: true, storage: index === 0 },
      ...(status === false ? {} : { subresources: { status: {} } }),
      schema: { openAPIV3Schema: { type: 'object', ...open } },
    })),
  };
  return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.${group}` }, spec } as KubeObject;
}
