/** What is used now, as `metrics.k8s.io` tells it. Pure. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { NodeMetrics, PodMetrics, Usage } from '#shared/kube/metrics.ts';
import { keeperOf } from '../../qemu/firmware/kept-state.ts';
import { machineSeries, nodeSeries } from '../rates.ts';
import type { RunningMachine, Sample } from '../sampler.ts';

const apiVersion = 'metrics.k8s.io/v1beta1';

/** Undefined while its processor time was looked at only once. */
export function nodeUsage(name: string, labels: Record<string, string>, sample: Sample | undefined): NodeMetrics | undefined {
  const usage = sample && usageOf(sample, nodeSeries.indexOf('cpu'), nodeSeries.indexOf('memoryUsed'));
  if (!sample || !usage) return undefined;
  return { apiVersion, kind: 'NodeMetrics', metadata: metadataOf(sample, { name, labels }), ...timesOf(sample), usage };
}

export function machineUsage({ vmi, sample }: RunningMachine): PodMetrics | undefined {
  const usage = sample && usageOf(sample, machineSeries.indexOf('cpu'), machineSeries.indexOf('memoryResident'));
  if (!sample || !usage) return undefined;
  const { namespace = 'default' } = vmi.metadata;
  return {
    apiVersion,
    kind: 'PodMetrics',
    metadata: { ...metadataOf(sample, { name: launcherName(vmi), labels: launcherLabels(vmi) }), namespace },
    ...timesOf(sample),
    containers: [{ name: 'compute', usage }],
  };
}

/** KubeVirt's pods end with a text of chance; here one with the same machine is told by the same name after each start. */
export const launcherName = (vmi: VirtualMachineInstance): string => `virt-launcher-${vmi.metadata.name ?? ''}-${keeperOf(vmi).slice(0, 5)}`;

/** Those of the instance, and what KubeVirt adds to the pod. */
function launcherLabels({ metadata }: VirtualMachineInstance): Record<string, string> {
  return {
    ...metadata.labels,
    'kubevirt.io': 'virt-launcher',
    'kubevirt.io/created-by': metadata.uid ?? '',
    'vm.kubevirt.io/name': metadata.name ?? '',
  };
}

function usageOf({ row }: Sample, cpuAt: number, memoryAt: number): Usage | undefined {
  const [cpu, memory] = [row[cpuAt] ?? NaN, row[memoryAt] ?? NaN];
  if (Number.isNaN(cpu) || Number.isNaN(memory)) return undefined;
  return { cpu: `${Math.round(cpu * 1e9)}n`, memory: `${Math.round(memory / 1024)}Ki` };
}

const metadataOf = ({ timeMs }: Sample, metadata: { name: string; labels: Record<string, string> }): PodMetrics['metadata'] => ({ ...metadata, creationTimestamp: timeText(timeMs) });

const timesOf = ({ timeMs, windowMs }: Sample): { timestamp: string; window: string } => ({
  timestamp: timeText(timeMs),
  window: `${(windowMs / 1000).toFixed(3)}s`,
});

/** Kubernetes' times are whole seconds. */
const timeText = (timeMs: number): string => new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
