/** Keeps the one Node, which is this computer. */
import type { KubeNode } from '#shared/kube/core.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { EngineContext } from '../context.ts';
import { timestamp } from '../store/keys.ts';
import { readHeadroom, readHost, type Host } from './host.ts';
import { DISK_FREE_ANNOTATION } from '#shared/kube/labels.ts';
import { conditionsFrom, hasChanged, inKi, isWorthTelling, statusFrom } from './node-status.ts';
import { nodes } from './node.ts';

/** How often memory and disk are looked at; something is written only when a condition changes. */
const checkEveryMs = 30_000;
const heartbeatEveryMs = 5 * 60_000;

export interface HostNode {
  stop(): Promise<void>;
}

export async function keepHostNode(context: EngineContext): Promise<HostNode> {
  const { dataDir, nodeName, resources, log } = context;
  const host = await readHost(dataDir);
  // The computer had another name once.
  for (const { metadata } of resources.list(nodes)) {
    if (metadata.name !== nodeName) resources.delete(nodes, undefined, metadata.name ?? '');
  }
  const ensure = (): void => {
    if (!resources.get(nodes, undefined, nodeName)) {
      resources.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName }, spec: {} });
    }
    resources.change(nodes, undefined, nodeName, (node) => {
      node.metadata.labels = { ...node.metadata.labels, ...labelsFrom(nodeName, host) };
      node.metadata.annotations = { ...node.metadata.annotations, [DISK_FREE_ANNOTATION]: inKi(host.diskFreeBytes) };
    });
    resources.changeStatus(nodes, undefined, nodeName, (node) => {
      node.status = statusFrom(host, node.status, timestamp());
    });
  };
  ensure();

  const tellDiskFree = (bytes: number, node: KubeNode | undefined): void => {
    if (!isWorthTelling(bytes, parseQuantity(node?.metadata.annotations?.[DISK_FREE_ANNOTATION]))) return;
    resources.change(nodes, undefined, nodeName, ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, [DISK_FREE_ANNOTATION]: inKi(bytes) };
    });
  };

  let lastHeartbeat = Date.now();
  const check = async (): Promise<void> => {
    const room = await readHeadroom(dataDir);
    const node = resources.get(nodes, undefined, nodeName);
    tellDiskFree(room.diskFreeBytes, node);
    const told = node?.status?.conditions ?? [];
    if (Date.now() - lastHeartbeat < heartbeatEveryMs && !hasChanged(room, told)) return;
    lastHeartbeat = Date.now();
    resources.changeStatus(nodes, undefined, nodeName, (node) => {
      node.status = { ...node.status, conditions: conditionsFrom(room, node.status?.conditions ?? [], timestamp()) };
    });
  };
  let checking = Promise.resolve();
  const timer = setInterval(() => {
    checking = check().catch((error: unknown) => log.warn('The node’s condition could not be refreshed', { error }));
  }, checkEveryMs);
  // There is no engine without its Node: deleting it makes a new one.
  const unsubscribe = resources.subscribe(nodes, ({ type, object }) => {
    if (type === 'DELETED' && object.metadata.name === nodeName) ensure();
  });
  return {
    stop: async () => {
      clearInterval(timer);
      unsubscribe();
      await checking;
    },
  };
}

const labelsFrom = (nodeName: string, host: Host): Record<string, string> => ({
  'kubernetes.io/hostname': nodeName,
  'kubernetes.io/os': host.os,
  'kubernetes.io/arch': host.arch,
  'node-role.kubernetes.io/control-plane': '',
});
