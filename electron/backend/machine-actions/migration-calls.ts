/** Moving a running machine to another node. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { MigrationTarget } from '#shared/contract/machine-actions.ts';
import type { KubeNode } from '#shared/kube/core.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { VirtualMachineInstanceMigration } from '#shared/kube/migration.ts';
import type { KubeList } from '#shared/kube/object.ts';
import { migrations, nodes, pathOf } from '../clusters/kinds.ts';
import { aboutMachine, listAll, readInstance, type ActionParts } from './parts.ts';

/** KubeVirt's label on nodes whose virt-handler is well. */
const schedulableLabel = 'kubevirt.io/schedulable';
const hostLabel = 'kubernetes.io/hostname';

type MigrationCalls = Pick<CallHandlers, 'machines.migrate' | 'machines.migrationTargets' | 'machines.abortMigration'>;

export function migrationCalls({ clusters, tasks }: ActionParts): MigrationCalls {
  return {
    'machines.migrationTargets': async (ref) => {
      const client = await clusters.get(ref.clusterId).client();
      const [list, instance] = await Promise.all([client.call<KubeList<KubeNode>>('GET', pathOf(nodes, undefined)), readInstance(client, ref)]);
      const from = instance?.status?.nodeName;
      return { targets: list.items.filter(({ metadata }) => metadata.name !== from).map(targetOf) };
    },
    'machines.migrate': async ({ node, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      const about = await aboutMachine(client, ref);
      if (about.instanceUid === undefined) throw new HayloftError('not-running', `${ref.name} is off, so there is nothing to move.`);
      const host = node === undefined ? undefined : await hostNameOf(node);
      const name = `${ref.name.slice(0, 45)}-move-${crypto.randomUUID().slice(0, 8)}`;
      const body: VirtualMachineInstanceMigration = {
        apiVersion: 'kubevirt.io/v1',
        kind: 'VirtualMachineInstanceMigration',
        metadata: { name, namespace: ref.namespace },
        spec: { vmiName: ref.name, ...(host === undefined ? {} : { addedNodeSelector: { [hostLabel]: host } }) },
      };
      await client.call('POST', pathOf(migrations, ref.namespace), { body });
      return tasks.begin({ kind: 'migrate', ...about, object: name, ...(node === undefined ? {} : { subject: node }) });

      /** The label is mostly the node's name, and need not be. */
      async function hostNameOf(nodeName: string): Promise<string> {
        const { metadata } = await client.call<KubeNode>('GET', pathOf(nodes, undefined, nodeName));
        return metadata.labels?.[hostLabel] ?? nodeName;
      }
    },
    'machines.abortMigration': async (ref) => {
      const client = await clusters.get(ref.clusterId).client();
      const open = (await listAll(client, migrations, ref.namespace)).filter(
        ({ spec, status }) => spec.vmiName === ref.name && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
      );
      if (open.length === 0) throw new HayloftError('conflict', `${ref.name} is not being moved any more.`);
      for (const { metadata } of open) await client.call('DELETE', pathOf(migrations, ref.namespace, metadata.name));
      return {};
    },
  };
}

export function targetOf({ metadata, spec, status }: KubeNode): MigrationTarget {
  const reason =
    findCondition(status?.conditions, 'Ready')?.status !== 'True'
      ? 'It is not ready.'
      : spec?.unschedulable === true
        ? 'It is set to take nothing new.'
        : metadata.labels?.[schedulableLabel] !== 'true'
          ? 'KubeVirt cannot run machines on it now.'
          : undefined;
  return { node: metadata.name ?? '', usable: reason === undefined ? { allowed: true } : { allowed: false, reason } };
}
