/** A machine's power. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import type { PowerCommand } from '#shared/contract/machines.ts';
import type { TaskKind } from '#shared/contract/tasks.ts';
import { subresourcePath } from '../clusters/kinds.ts';
import { aboutMachine, type ActionParts } from './parts.ts';

interface PowerAction {
  on: 'virtualmachines' | 'virtualmachineinstances';
  name: string;
  body: unknown;
  /** What takes its time is followed as a task. */
  task?: TaskKind;
}

/** KubeVirt's action for each of ours: which object has it, and with which body. */
const actions: Record<PowerCommand, PowerAction> = {
  start: { on: 'virtualmachines', name: 'start', body: {}, task: 'start' },
  startPaused: { on: 'virtualmachines', name: 'start', body: { paused: true }, task: 'start' },
  stop: { on: 'virtualmachines', name: 'stop', body: {}, task: 'stop' },
  forceOff: { on: 'virtualmachines', name: 'stop', body: { gracePeriod: 0 } },
  restart: { on: 'virtualmachines', name: 'restart', body: {}, task: 'restart' },
  pause: { on: 'virtualmachineinstances', name: 'pause', body: {} },
  unpause: { on: 'virtualmachineinstances', name: 'unpause', body: {} },
  softReboot: { on: 'virtualmachineinstances', name: 'softreboot', body: undefined },
  reset: { on: 'virtualmachineinstances', name: 'reset', body: undefined },
};

export function powerCalls({ clusters, tasks }: ActionParts): Pick<CallHandlers, 'machines.power'> {
  return {
    'machines.power': async ({ action, ...ref }) => {
      const { on, name, body, task } = actions[action];
      const client = await clusters.get(ref.clusterId).client();
      // Which instance is to end must be known before: afterwards it may be another.
      const about = task === 'stop' || task === 'restart' ? await aboutMachine(client, ref) : { machine: ref };
      await client.call('PUT', subresourcePath(on, ref, name), { body });
      if (task !== undefined) tasks.begin({ kind: task, ...about });
      return {};
    },
  };
}
