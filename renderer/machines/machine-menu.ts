/** A machine's actions as items of a menu. */
import type { Machine, PowerAction } from '#shared/contract/machines.ts';
import type { MenuItem } from '../components/Menu.svelte';
import { actionWords, runPower } from './power.ts';

/**
 * @param actions in the order of the menu
 * @param ask what needs an answer first: forcing off and deleting
 */
export function machineMenu(
  machine: Machine,
  actions: readonly PowerAction[],
  ask: (what: 'forceOff' | 'delete', machine: Machine) => void,
): MenuItem[] {
  const power = actions.map((action) => ({
    label: actionWords[action].verb,
    reason: machine.actions[action].allowed ? undefined : (machine.actions[action].reason ?? 'Not possible now.'),
    danger: action === 'forceOff',
    run: () => {
      if (action === 'forceOff') ask('forceOff', machine);
      else void runPower(machine, action);
    },
  }));
  return [...power, { label: 'Delete machine', danger: true, run: () => ask('delete', machine) }];
}
