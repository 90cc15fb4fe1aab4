/**
 * The last hours of a machine or of the node:
 * `GET /apis/metrics.hayloft.io/v1/namespaces/{namespace}/virtualmachineinstances/{name}/history` and `…/nodes/{name}/history`,
 * with `?seconds=N` for how far back (3600), and `?since=TIME` for what is newer alone. Kubernetes has no API for it.
 */
import type { KubeNode } from '#shared/kube/core.ts';
import { HISTORY_GROUP, type MetricsHistory } from '#shared/kube/metrics.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { SubresourceRequest, SubresourceRoute } from '../../api/definition.ts';
import { badRequest, notFound } from '../../api/errors.ts';
import type { EngineContext } from '../../context.ts';
import { nodes } from '../../core/node.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../../machines/definitions/virtual-machine.ts';
import { memoryBytes } from '../../qemu/argv/argv.ts';
import { cpuCount } from '../../qemu/argv/cpu.ts';
import { keeperOf } from '../../qemu/firmware/kept-state.ts';
import type { Histories } from '../history/histories.ts';
import type { History } from '../history/history.ts';
import { machineSeries, nodeSeries } from '../rates.ts';
import { onOwnNetwork } from '../reading/guest.ts';
import { NODE_HISTORY, type Sampler } from '../sampler.ts';

export interface HistoryParts {
  context(): EngineContext;
  histories(): Histories;
  sampler(): Sampler;
}

const group = { group: HISTORY_GROUP, versions: ['v1'] };
const usualSeconds = 3600;
const longestSeconds = 24 * 3600;

export function historyRoutes(parts: HistoryParts): SubresourceRoute[] {
  return [
    {
      ...group,
      resource: 'virtualmachineinstances',
      subresource: 'history',
      method: 'GET',
      handle: (request) => ({ status: 200, body: machineHistory(parts, request) }),
    },
    {
      ...group,
      resource: 'nodes',
      subresource: 'history',
      method: 'GET',
      handle: async (request) => ({ status: 200, body: await nodeHistory(parts, request) }),
    },
  ];
}

/** Of a machine that is off, too: what it did before. */
function machineHistory(parts: HistoryParts, { namespace, name, query }: SubresourceRequest): MetricsHistory {
  const { resources } = parts.context();
  const vmi = resources.get(virtualMachineInstances, namespace, name);
  const vm = resources.get(virtualMachines, namespace, name);
  const spec = vmi?.spec ?? vm?.spec.template.spec;
  if (!spec) throw notFound(virtualMachineInstances, name);
  parts.sampler().watch();
  const history = parts.histories().get(vmi ? keeperOf(vmi) : (vm?.metadata.uid ?? ''), machineSeries);
  const limits = { cpu: cpuCount(spec.domain), memory: memoryBytes(spec.domain) };
  const running = parts.sampler().machines().find(({ guest }) => guest.uid === vmi?.metadata.uid);
  return {
    ...told(history, machineSeries, query),
    metadata: { name, namespace },
    limits,
    notes: running && !running.guest.agent.connected && onOwnNetwork(running.vmi).length > 0 ? [networkNote] : [],
  };
}

const networkNote: MetricsHistory['notes'][number] = {
  series: ['networkReceive', 'networkTransmit'],
  reason: 'NoGuestAgent',
  message: 'QEMU does not count what passes its own network (NAT). The guest agent does: install qemu-guest-agent in the guest.',
};

async function nodeHistory(parts: HistoryParts, { namespace, name, query }: SubresourceRequest): Promise<MetricsHistory> {
  const node = parts.context().resources.get(nodes, undefined, name);
  if (!node || namespace !== '') throw notFound(nodes, name);
  parts.sampler().watch();
  await parts.sampler().fresh(nodeOldestMs);
  return {
    ...told(parts.histories().get(NODE_HISTORY, nodeSeries), nodeSeries, query),
    metadata: { name },
    limits: { cpu: capacityOf(node, 'cpu'), memory: capacityOf(node, 'memory') },
    notes: [],
  };
}

/** Whoever opens the page after a quiet hour sees the present at once. */
const nodeOldestMs = 15_000;

const capacityOf = ({ status }: KubeNode, resource: string): number => parseQuantity(status?.capacity?.[resource]) ?? 0;

/** @throws ApiError 400 */
function told(history: History, series: readonly string[], query: URLSearchParams): Pick<MetricsHistory, 'apiVersion' | 'kind' | 'stepSeconds' | 'series' | 'rows'> {
  const seconds = Number(query.get('seconds') ?? usualSeconds);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > longestSeconds) throw badRequest(`seconds has to be a whole number from 1 to ${longestSeconds}`);
  const since = query.get('since');
  const sinceMs = since === null ? -Infinity : Date.parse(since);
  if (Number.isNaN(sinceMs)) throw badRequest(`since=${since ?? ''} is no time: write it like 2026-01-31T12:00:00Z`);
  const fineSeconds = (history.fine.rows * history.fine.stepMs) / 1000;
  const ring = seconds <= fineSeconds ? history.fine : history.coarse;
  const rows: MetricsHistory['rows'] = [];
  ring.read(Math.max(sinceMs, Date.now() - seconds * 1000), (timeMs, row) => {
    rows.push({ time: new Date(timeMs).toISOString(), values: Array.from(row, (value) => (Number.isNaN(value) ? null : shortened(value))) });
  });
  return { apiVersion: `${HISTORY_GROUP}/v1`, kind: 'MetricsHistory', stepSeconds: ring.stepMs / 1000, series: [...series], rows };
}

/** No more digits than the table holds. */
const shortened = (value: number): number => (Number.isInteger(value) ? value : Number(value.toPrecision(7)));
