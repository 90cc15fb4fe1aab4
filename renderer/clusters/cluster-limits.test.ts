import { describe, expect, it } from 'vitest';
import type { Cluster } from '#shared/contract/clusters.ts';
import { clusterLimits, clusterVersions } from './cluster-limits.ts';

const cluster: Cluster = { id: 'a', name: 'A', server: '', flavour: 'kubevirt', local: false, state: 'ready', since: 0, version: 'v1.34.0' };

describe('what a cluster’s page says of it', () => {
  it('is nothing where all can be seen', () => {
    expect(clusterLimits(cluster)).toEqual([]);
  });

  it('is what may not be read, and what is not installed, once each', () => {
    const yes = { allowed: true };
    const no = { allowed: false, reason: 'KubeVirt is not installed.' };
    const features = { machines: no, snapshots: no, uploads: yes, clones: no, exports: no, hotplug: no, migration: no, instancetypes: no, networks: yes };
    const withheld = [{ resource: 'nodes', code: 'forbidden' as const, message: 'no' }, { resource: 'virtualmachines', code: 'not-found' as const, message: 'no' }];
    expect(clusterLimits({ ...cluster, withheld, namespaces: ['team'], capabilities: { features } })).toEqual([
      'Only the namespace team can be seen: this user may not read the others.',
      'This user may not read nodes.',
      'KubeVirt is not installed.',
    ]);
    expect(clusterVersions({ ...cluster, capabilities: { kubevirt: 'v1.8.4', features } })).toEqual(['KubeVirt v1.8.4', 'Kubernetes v1.34.0']);
  });
});
