/**
 * What can be done to machines on a cluster at all: what it serves and has switched on, how many nodes it has, and what
 * this user may do.
 */
import { asHayloftError } from '#shared/contract/errors.ts';
import type { Ability } from '#shared/contract/machine-actions.ts';
import {
  isAllowedBy,
  type ResourceAttributes,
  type SelfSubjectAccessReview,
  type SelfSubjectRulesReview,
} from '#shared/kube/access-review.ts';
import type { KubeNode } from '#shared/kube/core.ts';
import type { KubeList } from '#shared/kube/object.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { gatesOf, kubeVirts, type KubeVirt } from '../clusters/capabilities/gates.ts';
import { nodes, pathOf } from '../clusters/kinds.ts';

type Right = Omit<ResourceAttributes, 'namespace'>;

interface Need {
  right: Right;
  /** The API group that must be served. */
  group?: string;
  /** One of these feature gates must be on. */
  gates?: readonly string[];
  /** What is missing without them, for a person. */
  what?: string;
}

const act = (resource: string, subresource: string): Right => ({ verb: 'update', group: 'subresources.kubevirt.io', resource, subresource });
const open = (subresource: string): Right => ({ verb: 'get', group: 'subresources.kubevirt.io', resource: 'virtualmachineinstances', subresource });
const make = (group: string, resource: string): Right => ({ verb: 'create', group, resource });

const needs: Record<Ability, Need> = {
  start: { right: act('virtualmachines', 'start') },
  stop: { right: act('virtualmachines', 'stop') },
  restart: { right: act('virtualmachines', 'restart') },
  pause: { right: act('virtualmachineinstances', 'pause') },
  softReboot: { right: act('virtualmachineinstances', 'softreboot') },
  reset: { right: act('virtualmachineinstances', 'reset') },
  migrate: { right: make('kubevirt.io', 'virtualmachineinstancemigrations') },
  snapshot: {
    right: make('snapshot.kubevirt.io', 'virtualmachinesnapshots'),
    group: 'snapshot.kubevirt.io',
    gates: ['Snapshot'],
    what: 'snapshots',
  },
  restore: {
    right: make('snapshot.kubevirt.io', 'virtualmachinerestores'),
    group: 'snapshot.kubevirt.io',
    gates: ['Snapshot'],
    what: 'snapshots',
  },
  deleteSnapshot: { right: { verb: 'delete', group: 'snapshot.kubevirt.io', resource: 'virtualmachinesnapshots' } },
  clone: {
    right: make('clone.kubevirt.io', 'virtualmachineclones'),
    group: 'clone.kubevirt.io',
    // Clones are made by way of snapshots.
    gates: ['Snapshot'],
    what: 'clones',
  },
  backup: {
    right: make('export.kubevirt.io', 'virtualmachineexports'),
    group: 'export.kubevirt.io',
    gates: ['VMExport'],
    what: 'exports of machines',
  },
  change: { right: { verb: 'update', group: 'kubevirt.io', resource: 'virtualmachines' } },
  hotplug: {
    right: act('virtualmachines', 'addvolume'),
    gates: ['HotplugVolumes', 'DeclarativeHotplugVolumes'],
    what: 'disks that are plugged in while a machine runs',
  },
  expandDisk: { right: { verb: 'patch', group: '', resource: 'persistentvolumeclaims' } },
  delete: { right: { verb: 'delete', group: 'kubevirt.io', resource: 'virtualmachines' } },
  screen: { right: open('vnc') },
  serial: { right: open('console') },
  forward: { right: open('portforward') },
  expose: { right: make('', 'services') },
};

export interface Abilities {
  /** Why each of them is not possible. */
  missing: Partial<Record<Ability, string>>;
  /** What this cluster has no use for. */
  pointless: Ability[];
}

export async function askAbilities(client: ApiClient, namespace: string): Promise<Abilities> {
  const [groups, kubeVirt, nodeCount, isAllowed] = await Promise.all([
    client.call<{ groups?: { name: string }[] }>('GET', '/apis'),
    readable(client.call<KubeList<KubeVirt>>('GET', pathOf(kubeVirts, undefined))),
    readable(client.call<KubeList<KubeNode>>('GET', pathOf(nodes, undefined))),
    rightsOf(client, namespace),
  ]);
  const served = new Set((groups.groups ?? []).map(({ name }) => name));
  const isOn = gatesOf(kubeVirt?.items[0]);
  const why = async (ability: Ability): Promise<string | undefined> => {
    const { right, group, gates, what = '' } = needs[ability];
    if (group !== undefined && !served.has(group)) return `This cluster has no ${what}.`;
    if (gates && !gates.some(isOn)) return `KubeVirt’s ${what} are switched off on this cluster (feature gate ${gates.at(-1) ?? ''}).`;
    return (await isAllowed(right)) ? undefined : 'You may not do this on this cluster. Ask its administrator.';
  };
  const all = Object.keys(needs) as Ability[];
  const found = await Promise.all(all.map(async (ability) => [ability, await why(ability)] as const));
  return {
    missing: Object.fromEntries(found.filter(([, reason]) => reason !== undefined)),
    // A single node has nowhere to move a machine to.
    pointless: nodeCount?.items.length === 1 ? ['migrate'] : [],
  };
}

/** What not everybody may read, and not every cluster has. */
async function readable<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    const { code } = asHayloftError(error);
    if (code === 'forbidden' || code === 'not-found') return undefined;
    throw error;
  }
}

/** All rights are asked for at once; where the answer is not complete, each by itself. */
async function rightsOf(client: ApiClient, namespace: string): Promise<(right: Right) => Promise<boolean>> {
  const review = await client
    .call<SelfSubjectRulesReview>('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
      body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
    })
    .catch(() => undefined);
  const rules = review?.status?.resourceRules ?? [];
  const complete = review?.status?.incomplete === false;
  return async (right) => {
    if (isAllowedBy(rules, right)) return true;
    if (complete) return false;
    const asked = await client
      .call<SelfSubjectAccessReview>('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: { ...right, namespace } },
        },
      })
      .catch(() => undefined);
    // Not to know is no reason to forbid: the cluster itself has the last word.
    return asked?.status?.allowed !== false;
  };
}
