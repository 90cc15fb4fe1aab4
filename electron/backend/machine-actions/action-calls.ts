/** Everything that is done to machines that are there. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import type { machineActionCalls } from '#shared/contract/machine-actions.ts';
import { askAbilities } from './abilities.ts';
import { copyCalls } from './copy-calls.ts';
import { deletionCalls } from './deletion-calls.ts';
import { diskCalls } from './disk-calls.ts';
import { expansionCalls } from './expansion-calls.ts';
import { mediaCalls } from './media-calls.ts';
import { migrationCalls } from './migration-calls.ts';
import type { ActionParts } from './parts.ts';
import { powerCalls } from './power-calls.ts';
import { shapeCalls } from './shape-calls.ts';

export function actionCalls(parts: ActionParts): Pick<CallHandlers, keyof typeof machineActionCalls | 'machines.power'> {
  return {
    'machines.abilities': async ({ clusterId, namespace }) =>
      askAbilities(await parts.clusters.get(clusterId).client(), namespace),
    ...powerCalls(parts),
    ...copyCalls(parts),
    ...migrationCalls(parts),
    ...shapeCalls(parts),
    ...diskCalls(parts),
    ...expansionCalls(parts),
    ...mediaCalls(parts),
    ...deletionCalls(parts),
  };
}
