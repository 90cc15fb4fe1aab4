/** What is written on machines. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { pathOf, virtualMachines } from '../clusters/kinds.ts';

export function machineCalls(clusters: Clusters): Pick<CallHandlers, 'machines.label'> {
  return {
    'machines.label': async ({ labels, ...ref }) => {
      const client = await clusters.get(ref.clusterId).client();
      await client.call('PATCH', pathOf(virtualMachines, ref.namespace, ref.name), {
        contentType: 'application/merge-patch+json',
        body: { metadata: { labels } },
      });
      return {};
    },
  };
}
