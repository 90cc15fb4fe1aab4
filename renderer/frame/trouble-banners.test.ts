import { describe, expect, it } from 'vitest';
import type { Cluster, ClusterState } from '#shared/contract/clusters.ts';
import { troubleBanners } from './trouble-banners.ts';

const cluster = (name: string, state: ClusterState, local = false): Cluster => ({ id: name, name, server: '', flavour: 'kubevirt', local, state, since: 0 });
const told = (...clusters: Cluster[]): string[] => troubleBanners(clusters).map((banner) => (banner.kind === 'one' ? banner.cluster.name : `${banner.title} ${banner.text}`));

describe('clusters in trouble', () => {
  it('have a banner each while they are few', () => {
    expect(told(cluster('a', 'ready'), cluster('b', 'unreachable'), cluster('c', 'connecting'))).toEqual(['b']);
    expect(told(cluster('a', 'degraded'), cluster('b', 'unreachable'))).toEqual(['a', 'b']);
  });

  it('share one where there are more than two', () => {
    expect(told(cluster('a', 'unreachable'), cluster('b', 'unreachable'), cluster('c', 'unreachable'))).toEqual([
      '3 clusters are out of reach. a, b, c. What you see of them may be out of date.',
    ]);
    expect(told(...['a', 'b', 'c', 'd', 'e', 'f'].map((name, index) => cluster(name, index < 4 ? 'unreachable' : 'unauthorized')))).toEqual([
      '6 clusters are in trouble: 4 out of reach, 2 not signed in. a, b, c, d and 2 others. What you see of them may be out of date.',
    ]);
  });

  it('do not hide what is said of the engine on this computer', () => {
    expect(told(cluster('a', 'unreachable'), cluster('Here', 'unreachable', true), cluster('c', 'unreachable'))).toEqual([
      'Here',
      '2 clusters are out of reach. a, c. What you see of them may be out of date.',
    ]);
  });
});
