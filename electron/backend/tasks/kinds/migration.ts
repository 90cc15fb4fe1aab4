/** Live migrations, told by KubeVirt's VirtualMachineInstanceMigration and the instance that it moves. */
import type { MigrationPhase } from '#shared/kube/migration.ts';
import { migrations, virtualMachineInstances } from '../../clusters/kinds.ts';
import { remove } from '../remove.ts';
import { done, failed, going, unknown, type TaskDefinition } from '../standing.ts';

/** The share of the way that each phase begins at: memory on its way is not counted by the API. */
const phases: Partial<Record<MigrationPhase, { step: string; progress?: number }>> = {
  Pending: { step: 'It waits for its turn, or for room on another node.', progress: 0 },
  Scheduling: { step: 'A node is being chosen.', progress: 0.1 },
  Scheduled: { step: 'A node was chosen.', progress: 0.2 },
  PreparingTarget: { step: 'The other node is getting ready.', progress: 0.3 },
  TargetReady: { step: 'The other node is ready.', progress: 0.4 },
  Running: { step: 'Its memory is being copied while it runs.' },
};

export const migrate: TaskDefinition = {
  watches: [migrations, virtualMachineInstances],
  keeps: () => true,
  stand: async ({ machine, object = '' }, look) => {
    const [migration, vmi] = await Promise.all([look.get(migrations, object), look.get(virtualMachineInstances, machine.name)]);
    const state = migration?.status?.migrationState ?? vmi?.status?.migrationState;
    const node = vmi?.status?.nodeName ?? state?.targetNode;
    const arrived = node === undefined ? 'It was moved.' : `It runs on ${node} now.`;
    if (!migration) {
      return unknown(
        'The cluster’s record of this migration was deleted, so how it ended cannot be told.',
        node === undefined ? 'The machine does not run.' : `The machine runs on ${node}.`,
      );
    }
    const { phase = '' } = migration.status ?? {};
    if (phase === 'Succeeded') return done(arrived);
    if (phase === 'Failed') {
      const why = state?.failureReason ?? (await look.warning('VirtualMachineInstanceMigration', object));
      const stays = node === undefined ? undefined : `The machine goes on running on ${node}.`;
      return failed(why ?? 'The cluster could not move the machine.', stays);
    }
    if (migration.metadata.deletionTimestamp !== undefined) return going('It is being stopped.', { fixed: 'It is being stopped already.' });
    const { step = 'It is being prepared.', progress } = phases[phase] ?? {};
    const route = phase === 'Running' && state?.targetNode ? ` It goes to ${state.targetNode}.` : '';
    return going(step + route, progress === undefined ? {} : { progress });
  },
  // KubeVirt stops a migration whose object is deleted, and the guest goes on where it is.
  cancel: (client, { machine, object = '' }) => remove(client, migrations, machine.namespace, object),
};
