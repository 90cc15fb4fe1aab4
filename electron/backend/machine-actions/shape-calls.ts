/** Changing what a machine is: its size, when it runs, and what people write about it. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { MachineNotes } from '#shared/contract/machine-actions.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { pathOf, virtualMachines } from '../clusters/kinds.ts';
import { nodesOf } from '../clusters/nodes.ts';
import { coresOf, memoryOf } from '../machines/machine-row.ts';
import { descriptionKey, notesPatch } from './notes.ts';
import { aboutMachine, editMachine, readInstance, readMachine, readStaying, type ActionParts } from './parts.ts';
import { liveLimits, resizeDomain } from './resize.ts';

type ShapeCalls = Pick<
  CallHandlers,
  'machines.size' | 'machines.resize' | 'machines.setRunStrategy' | 'machines.notes' | 'machines.editNotes'
>;

export function shapeCalls({ clusters, tasks }: ActionParts): ShapeCalls {
  return {
    'machines.size': async (ref) => {
      const cluster = clusters.get(ref.clusterId);
      const client = await cluster.client();
      const [machine, instance, limits] = await Promise.all([readMachine(client, ref), readInstance(client, ref), largestNode(cluster)]);
      const { instancetype } = machine.spec;
      // What its type says is in the instance alone.
      const { domain } = instancetype && instance ? instance.spec : machine.spec.template.spec;
      return {
        cores: coresOf(domain),
        memoryBytes: memoryOf(domain),
        ...(instancetype?.name === undefined ? {} : { instancetype: instancetype.name }),
        live: instance ? liveLimits(instance.spec.domain) : {},
        running: instance !== undefined,
        limits,
      };
    },
    'machines.resize': async ({ cores, memoryBytes, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      const [about, instance] = await Promise.all([aboutMachine(client, ref), readStaying(client, ref)]);
      const { machine: changed, result: live } = await editMachine(client, ref, (machine) => {
        const type = machine.spec.instancetype?.name;
        if (type !== undefined) {
          throw new HayloftError('conflict', `The size of ${ref.name} comes from its type ${type}.`, { hint: 'Choose another type in its YAML.' });
        }
        return resizeDomain(machine.spec.template.spec.domain, instance?.spec.domain, { cores, memoryBytes });
      });
      if (!instance) return { restartNeeded: false };
      const asks = findCondition(changed.status?.conditions, 'RestartRequired')?.status === 'True';
      if (live && !asks) tasks.begin({ kind: 'resize', ...about });
      return { restartNeeded: !live || asks };
    },
    'machines.setRunStrategy': async ({ runStrategy, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      await editMachine(client, ref, ({ spec }) => {
        // The older `running` and this one exclude each other.
        delete spec.running;
        spec.runStrategy = runStrategy;
      });
      return {};
    },
    'machines.notes': async (ref) => {
      const client = await clusters.get(ref.clusterId).client();
      const { metadata } = await readMachine(client, ref);
      const key = descriptionKey(clusters.get(ref.clusterId).view.flavour);
      const { [key]: description = '', ...annotations } = metadata.annotations ?? {};
      return { description, labels: metadata.labels ?? {}, annotations };
    },
    'machines.editNotes': async ({ before, after, ...ref }) => {
      const cluster = clusters.get(ref.clusterId);
      const client = await cluster.client();
      const key = descriptionKey(cluster.view.flavour);
      const patch = notesPatch(withDescription(before, key), withDescription(after, key));
      if (patch === undefined) return {};
      await readMachine(client, ref);
      await client.call('PATCH', pathOf(virtualMachines, ref.namespace, ref.name), {
        contentType: 'application/merge-patch+json',
        body: { metadata: patch },
      });
      return {};
    },
  };
}

const withDescription = ({ description, labels, annotations }: MachineNotes, key: string): Pick<MachineNotes, 'labels' | 'annotations'> => ({
  labels,
  annotations: description === '' ? annotations : { ...annotations, [key]: description },
});

/** What no machine can be larger than. Unknown where this user may not see nodes. */
async function largestNode(cluster: ClusterConnection): Promise<{ cores?: number; memoryBytes?: number }> {
  const nodes = await nodesOf(cluster).catch(() => []);
  if (nodes.length === 0) return {};
  return { cores: Math.max(...nodes.map(({ cpus }) => cpus)), memoryBytes: Math.max(...nodes.map(({ memoryBytes }) => memoryBytes)) };
}
