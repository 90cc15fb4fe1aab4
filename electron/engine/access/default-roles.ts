/**
 * Who may do what: every role that the engine brings, in one table. `viewer`, `operator` and `admin` are what tokens are
 * made for; the others are Kubernetes' and KubeVirt's default ClusterRoles, so that bindings written for a cluster hold
 * here, too.
 *
 * A viewer sees everything but Secrets, and no screen or serial line: those show what a person types. An operator runs
 * machines with all that belongs to them. Secrets are among it, for a guest can be given any Secret of its namespace,
 * and so can whoever makes guests; Kubernetes' `edit` is the same. An operator hands out no access: no tokens, no roles,
 * no kinds, no settings of the node. Kinds that were added are seen by a viewer and changed by an operator; for `view`,
 * `edit` and `admin` whoever brings a kind says so by a labelled ClusterRole, as on a cluster.
 */
import type { Level } from './aggregated-rules.ts';
import type { PolicyRule } from './rules.ts';

export interface DefaultRole {
  name: string;
  rules: readonly PolicyRule[];
  /** Groups that have the role everywhere. */
  boundTo?: readonly string[];
  /** Takes in the rules of ClusterRoles that are labelled for it. */
  aggregates?: Level;
  /** Reaches to kinds that CustomResourceDefinitions bring, too: a token's role is for all that there is. */
  addedKinds?: boolean;
}

const see = ['get', 'list', 'watch'];
const change = ['create', 'update', 'patch', 'delete', 'deletecollection'];
const on = (apiGroups: string[], resources: string[], verbs: string[]): PolicyRule => ({ apiGroups, resources, verbs });

/** Machines, disks and what belongs to them: none of these groups has a Secret or a stream in it. */
const machineGroups = [
  ...['kubevirt.io', 'cdi.kubevirt.io', 'snapshot.kubevirt.io', 'clone.kubevirt.io', 'instancetype.kubevirt.io'],
  ...['export.kubevirt.io', 'backup.kubevirt.io', 'migrations.kubevirt.io', 'pool.kubevirt.io'],
  ...['k8s.cni.cncf.io', 'snapshot.storage.k8s.io'],
];
const readableParts = ['guestosinfo', 'filesystemlist', 'userlist', 'objectgraph', 'memorydump'];

const seeMachines: readonly PolicyRule[] = [
  on(machineGroups, ['*'], see),
  on(['subresources.kubevirt.io'], readableParts.map((part) => `virtualmachineinstances/${part}`), ['get']),
  on(['subresources.kubevirt.io'], ['virtualmachines/expand-spec'], ['get']),
  on(['subresources.kubevirt.io'], ['expand-vm-spec'], ['update']),
  on(['metrics.k8s.io'], ['pods'], see),
  on(['metrics.hayloft.io'], ['virtualmachineinstances/history'], ['get']),
];
const seeNamespace: readonly PolicyRule[] = [
  ...seeMachines,
  on([''], ['namespaces', 'configmaps', 'persistentvolumeclaims', 'pods', 'services', 'events', 'serviceaccounts'], see),
  on([''], ['persistentvolumeclaims/status', 'pods/status', 'namespaces/status'], ['get']),
  on(['events.k8s.io'], ['events'], see),
];
const runMachines: readonly PolicyRule[] = [
  ...seeMachines,
  on(machineGroups, ['*'], change),
  // Starting and stopping, consoles, hotplug: all that can be done to a machine.
  on(['subresources.kubevirt.io'], ['*'], ['get', 'update', 'create']),
  on(['state.hayloft.io'], ['virtualmachines/persistentstate'], ['update']),
  on(['upload.cdi.kubevirt.io'], ['uploadtokenrequests'], ['create']),
];
const editNamespace: readonly PolicyRule[] = [
  ...seeNamespace,
  ...runMachines,
  on([''], ['configmaps', 'secrets', 'persistentvolumeclaims', 'services'], [...see, ...change]),
  on([''], ['events'], ['create', 'update', 'patch']),
  on(['coordination.k8s.io'], ['leases'], [...see, ...change]),
];
const seeHost: readonly PolicyRule[] = [
  on([''], ['nodes', 'nodes/status', 'persistentvolumes'], see),
  on(['storage.k8s.io', 'coordination.k8s.io', 'apiextensions.k8s.io', 'scheduling.k8s.io'], ['*'], see),
  on(['metrics.k8s.io'], ['nodes'], see),
  on(['metrics.hayloft.io'], ['nodes/history'], ['get']),
  { nonResourceURLs: ['/metrics'], verbs: ['get'] },
];
const manageAccess: readonly PolicyRule[] = [
  on([''], ['serviceaccounts'], change),
  on(['rbac.authorization.k8s.io'], ['roles', 'rolebindings'], [...see, ...change]),
  on(['authorization.k8s.io'], ['localsubjectaccessreviews'], ['create']),
];
const everything: readonly PolicyRule[] = [on(['*'], ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }];
const discoveryPaths = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', '/healthz', '/healthz/*', '/livez', '/livez/*', '/readyz', '/readyz/*', '/version', '/version/'];

export const operatorRole = 'hayloft.io:operator';
export const viewerRole = 'hayloft.io:viewer';

/** What a token may be made for, and the ClusterRole that each means. */
export const tokenRoles: Readonly<Record<string, string>> = { admin: 'cluster-admin', operator: operatorRole, viewer: viewerRole };

export const defaultRoles: readonly DefaultRole[] = [
  { name: 'cluster-admin', rules: everything, boundTo: ['system:masters'] },
  { name: operatorRole, rules: [...editNamespace, ...seeHost], aggregates: 'edit', addedKinds: true },
  { name: viewerRole, rules: [...seeNamespace, ...seeHost], aggregates: 'view', addedKinds: true },
  { name: 'admin', rules: [...editNamespace, ...manageAccess], aggregates: 'admin' },
  { name: 'edit', rules: editNamespace, aggregates: 'edit' },
  { name: 'view', rules: seeNamespace, aggregates: 'view' },
  { name: 'kubevirt.io:admin', rules: runMachines },
  { name: 'kubevirt.io:edit', rules: runMachines },
  { name: 'kubevirt.io:view', rules: seeMachines },
  { name: 'kubevirt.io:default', rules: [on(['subresources.kubevirt.io'], ['version', 'guestfs', 'healthz'], ['get', 'list'])], boundTo: ['system:authenticated'] },
  { name: 'system:monitoring', rules: [{ nonResourceURLs: ['/metrics', '/healthz', '/healthz/*', '/livez', '/livez/*', '/readyz', '/readyz/*'], verbs: ['get'] }], boundTo: ['system:monitoring'] },
  { name: 'system:discovery', rules: [{ nonResourceURLs: discoveryPaths, verbs: ['get'] }], boundTo: ['system:authenticated'] },
  {
    name: 'system:basic-user',
    rules: [
      on(['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
      on(['authentication.k8s.io'], ['selfsubjectreviews'], ['create']),
    ],
    boundTo: ['system:authenticated'],
  },
];
