/**
 * Kubernetes' own kinds as an API server alone keeps them: whatever they hold is taken as it is, since nothing acts on it.
 * Those that the engine understands (namespaces, Secrets, roles) are checked as ever.
 */
import type { ResourceDefinition } from '../api/definition.ts';
import { any, object } from '../api/schema.ts';
import { nodes } from '../core/node.ts';

type Extras = Pick<ResourceDefinition, 'shortNames' | 'columns'>;

interface OpenKind extends Extras {
  kind: string;
  /** Beside spec and status. */
  fields?: readonly string[];
  clusterWide?: true;
  plural?: string;
}

const kind = (name: string, shortNames: readonly string[] = [], more: Omit<OpenKind, 'kind' | 'shortNames'> = {}): OpenKind => ({ kind: name, shortNames, ...more });
const clusterWide = true;

const openKinds: Readonly<Record<string, readonly OpenKind[]>> = {
  v1: [
    kind('Node', ['no'], { clusterWide, ...(nodes.columns ? { columns: nodes.columns } : {}) }),
    kind('Pod', ['po']),
    kind('Service', ['svc']),
    kind('Endpoints', ['ep'], { fields: ['subsets'], plural: 'endpoints' }),
    kind('PersistentVolumeClaim', ['pvc']),
    kind('PersistentVolume', ['pv'], { clusterWide }),
    kind('ResourceQuota', ['quota']),
    kind('LimitRange', ['limits']),
    kind('ReplicationController', ['rc']),
  ],
  'apps/v1': [
    ...[kind('Deployment', ['deploy']), kind('DaemonSet', ['ds']), kind('StatefulSet', ['sts']), kind('ReplicaSet', ['rs'])],
    kind('ControllerRevision', [], { fields: ['data', 'revision'] }),
  ],
  'batch/v1': [kind('Job'), kind('CronJob', ['cj'])],
  'storage.k8s.io/v1': [
    kind('StorageClass', ['sc'], {
      clusterWide,
      plural: 'storageclasses',
      fields: ['provisioner', 'parameters', 'reclaimPolicy', 'mountOptions', 'allowVolumeExpansion', 'volumeBindingMode', 'allowedTopologies'],
    }),
    ...[kind('CSIDriver', [], { clusterWide }), kind('CSINode', [], { clusterWide }), kind('VolumeAttachment', [], { clusterWide })],
  ],
  'networking.k8s.io/v1': [kind('Ingress', ['ing'], { plural: 'ingresses' }), kind('NetworkPolicy', ['netpol'], { plural: 'networkpolicies' })],
  'discovery.k8s.io/v1': [kind('EndpointSlice', [], { fields: ['addressType', 'endpoints', 'ports'] })],
  'scheduling.k8s.io/v1': [kind('PriorityClass', ['pc'], { clusterWide, plural: 'priorityclasses', fields: ['value', 'globalDefault', 'description', 'preemptionPolicy'] })],
  'policy/v1': [kind('PodDisruptionBudget', ['pdb'])],
  'autoscaling/v2': [kind('HorizontalPodAutoscaler', ['hpa'])],
  'apiregistration.k8s.io/v1': [kind('APIService', [], { clusterWide })],
  'admissionregistration.k8s.io/v1': [
    kind('ValidatingWebhookConfiguration', [], { clusterWide, fields: ['webhooks'] }),
    kind('MutatingWebhookConfiguration', [], { clusterWide, fields: ['webhooks'] }),
  ],
};

export const openDefinitions: readonly ResourceDefinition[] = Object.entries(openKinds).flatMap(([apiVersion, kinds]) => {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  return kinds.map((open): ResourceDefinition => {
    const singular = open.kind.toLowerCase();
    const fields = Object.fromEntries(['spec', 'status', ...(open.fields ?? [])].map((name) => [name, any()]));
    return {
      ...{ group, version, kind: open.kind, plural: open.plural ?? `${singular}s`, singular },
      ...(open.shortNames ? { shortNames: open.shortNames } : {}),
      ...(open.columns ? { columns: open.columns } : {}),
      namespaced: open.clusterWide !== true,
      statusSubresource: open.fields === undefined,
      schema: object(fields),
    };
  });
});
