/** What people write about a machine: its description, labels and annotations. Pure. */
import type { Cluster } from '#shared/contract/clusters.ts';
import { HARVESTER_DESCRIPTION_ANNOTATION } from '#shared/kube/harvester.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';

/** The annotation that holds a machine's description. */
export function descriptionKey(flavour: Cluster['flavour']): string {
  return flavour === 'harvester' ? HARVESTER_DESCRIPTION_ANNOTATION : DESCRIPTION_ANNOTATION;
}

type Texts = Record<string, string>;
interface Notes {
  labels: Texts;
  annotations: Texts;
}

/** A merge patch of the metadata with what differs alone; undefined where nothing does. */
export function notesPatch(before: Notes, after: Notes): Partial<Record<keyof Notes, Record<string, string | null>>> | undefined {
  const labels = difference(before.labels, after.labels);
  const annotations = difference(before.annotations, after.annotations);
  if (!labels && !annotations) return undefined;
  return { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
}

function difference(before: Texts, after: Texts): Record<string, string | null> | undefined {
  const changed = Object.entries(after).filter(([key, value]) => before[key] !== value);
  const gone = Object.keys(before).filter((key) => !(key in after));
  if (changed.length + gone.length === 0) return undefined;
  return Object.fromEntries([...changed, ...gone.map((key) => [key, null] as const)]);
}
