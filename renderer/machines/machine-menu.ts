/** A machine's actions as items of a menu. */
import type { Machine, ObjectRef, PowerAction } from '#shared/contract/machines.ts';
import type { MenuItem } from '../components/menu-item.ts';
import { actionWords, runPower } from './power.ts';

/** Something to ask before it is done; kept when closed, so that the dialog keeps its words while it goes. */
export interface Question {
  what: 'forceOff' | 'delete';
  machine: ObjectRef;
  open: boolean;
}

/**
 * @param actions in the order of the menu
 * @param ask what needs an answer first: forcing off and deleting
 */
export function machineMenu(
  machine: Machine,
  actions: readonly PowerAction[],
  ask: (question: Question) => void,
): MenuItem[] {
  const power = actions.map((action) => ({
    label: actionWords[action].verb,
    reason: machine.actions[action].allowed ? undefined : (machine.actions[action].reason ?? 'Not possible now.'),
    danger: action === 'forceOff',
    run: () => {
      if (action === 'forceOff') ask({ what: 'forceOff', machine, open: true });
      else void runPower(machine, action);
    },
  }));
  return [...power, { label: 'Delete machine', danger: true, run: () => ask({ what: 'delete', machine, open: true }) }];
}
