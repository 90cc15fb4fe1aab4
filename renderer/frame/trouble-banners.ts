/** Clusters in trouble, as the top of the window tells of them. */
import type { Cluster, ClusterState } from '#shared/contract/clusters.ts';
import { plural } from '#shared/format/units.ts';

export type TroubleBanner =
  | { kind: 'one'; cluster: Cluster }
  | { kind: 'many'; clusters: readonly Cluster[]; title: string; text: string };

const troubles = { unreachable: 'out of reach', unauthorized: 'not signed in', degraded: 'degraded' } as const satisfies Partial<Record<ClusterState, string>>;
type Trouble = keyof typeof troubles;

/** More would push down what the window is for. */
const mostBanners = 2;

/**
 * @returns a banner for each cluster in trouble, or one for all of them where that would be more than two. The engine on this
 * computer always has its own, as its machines go on and Hayloft starts it again by itself.
 */
export function troubleBanners(clusters: readonly Cluster[]): TroubleBanner[] {
  const troubled = clusters.filter(({ state }) => state in troubles);
  const one = (cluster: Cluster): TroubleBanner => ({ kind: 'one', cluster });
  if (troubled.length <= mostBanners) return troubled.map(one);
  const others = troubled.filter(({ local }) => !local);
  return [...troubled.filter(({ local }) => local).map(one), sum(others)];
}

function sum(clusters: readonly Cluster[]): TroubleBanner {
  const present = (Object.keys(troubles) as Trouble[]).map((trouble) => ({ trouble, count: clusters.filter(({ state }) => state === trouble).length })).filter(({ count }) => count > 0);
  const [first] = present;
  const title =
    present.length === 1 && first
      ? `${plural(first.count, 'cluster')} are ${troubles[first.trouble]}.`
      : `${plural(clusters.length, 'cluster')} are in trouble: ${present.map(({ trouble, count }) => `${count} ${troubles[trouble]}`).join(', ')}.`;
  return { kind: 'many', clusters, title, text: `${names(clusters)}. What you see of them may be out of date.` };
}

function names(clusters: readonly Cluster[]): string {
  const shown = clusters.slice(0, 4).map(({ name }) => name);
  const rest = clusters.length - shown.length;
  return `${shown.join(', ')}${rest === 0 ? '' : ` and ${plural(rest, 'other')}`}`;
}
