/** Figures from `metrics.k8s.io`, which knows the present alone: what is seen is collected for as long as somebody looks. */
import type { MetricsTarget } from '#shared/contract/metrics.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { KubeNode } from '#shared/kube/core.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { NodeMetrics, PodMetrics, Usage } from '#shared/kube/metrics.ts';
import type { KubeList } from '#shared/kube/object.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { nodes, pathOf, virtualMachineInstances } from '../clusters/kinds.ts';
import { coresOf, memoryOf } from '../machines/machine-row.ts';
import { targetKey, type CollectedSamples } from './collected.ts';
import type { About, MetricsSource, Sample } from './source.ts';

export const metricsBase = '/apis/metrics.k8s.io/v1beta1';
/** metrics-server looks at its nodes as often. */
export const currentMs = 15_000;

type Read = { limits: About['limits']; sample: Sample | undefined };

export function currentSource(client: ApiClient, target: MetricsTarget, collected: CollectedSamples): MetricsSource {
  const key = targetKey(target);
  return {
    everyMs: currentMs,
    read: async (signal) => {
      const { limits, sample } = target.kind === 'node' ? await readNode(client, target.name, signal) : await readMachine(client, target, signal);
      if (sample) collected.add(key, sample);
      return {
        about: {
          source: 'collected',
          // Of a machine it is the memory that its processes take of the node.
          series: ['cpu', target.kind === 'node' ? 'memoryUsed' : 'memoryResident'],
          stepSeconds: currentMs / 1000,
          limits,
          notes: [{ series: ['diskRead', 'diskWrite', 'networkReceive', 'networkTransmit'], message: 'This cluster’s metrics tell of processors and memory only.' }],
        },
        samples: collected.get(key),
      };
    },
  };
}

async function readNode(client: ApiClient, name: string, signal: AbortSignal): Promise<Read> {
  const [node, metrics] = await Promise.all([
    client.call<KubeNode>('GET', pathOf(nodes, undefined, name), { signal }),
    orNone(client.call<NodeMetrics>('GET', `${metricsBase}/nodes/${encodeURIComponent(name)}`, { signal })),
  ]);
  const { capacity } = node.status ?? {};
  return { limits: limitsOf(parseQuantity(capacity?.['cpu']), parseQuantity(capacity?.['memory'])), sample: metrics && sampleOf(metrics.timestamp, [metrics.usage]) };
}

/** Of a machine that is off there is nothing to see. */
async function readMachine(client: ApiClient, { namespace, name }: { namespace: string; name: string }, signal: AbortSignal): Promise<Read> {
  const vmi = await orNone(client.call<VirtualMachineInstance>('GET', pathOf(virtualMachineInstances, namespace, name), { signal }));
  if (!vmi) return { limits: {}, sample: undefined };
  const selector = encodeURIComponent(`kubevirt.io/created-by=${vmi.metadata.uid ?? ''}`);
  const { items } = await client.call<KubeList<PodMetrics>>('GET', `${metricsBase}/namespaces/${encodeURIComponent(namespace)}/pods?labelSelector=${selector}`, { signal });
  const { domain } = vmi.spec;
  return { limits: limitsOf(coresOf(domain), memoryOf(domain)), sample: items[0] && sampleOf(items[0].timestamp, usagesOf(items)) };
}

const limitsOf = (cpu: number | undefined, memoryBytes: number | undefined): About['limits'] => ({
  ...(cpu ? { cpu } : {}),
  ...(memoryBytes ? { memoryBytes } : {}),
});

/** While it migrates, a machine has two pods. */
export const usagesOf = (pods: readonly PodMetrics[]): Usage[] => pods.flatMap(({ containers }) => containers.map(({ usage }) => usage));

export const sumOf = (usages: readonly Usage[], what: keyof Usage): number => usages.reduce((total, usage) => total + (parseQuantity(usage[what]) ?? 0), 0);

const sampleOf = (timestamp: string, usages: readonly Usage[]): Sample => ({ at: Date.parse(timestamp), values: [sumOf(usages, 'cpu'), sumOf(usages, 'memory')] });

/** Something that began just now has no figures yet. */
async function orNone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof HayloftError && error.code === 'not-found') return undefined;
    throw error;
  }
}
