/**
 * The one list of what can be done to a machine. The list's rows and its context menu, the panel beside it, the command
 * palette and the machine's page all take it from here, so that an action has the same name, reason and question everywhere.
 */
import type { PowerCommand } from '#shared/contract/machines.ts';
import type { MenuItem } from '../components/menu-item.ts';
import type { ActedOn, ActionId, AskedAction, MachineAction } from './action.ts';
import { askAbout } from './open-question.svelte.ts';
import { power, tellFailure } from './power.ts';

/** @returns what speaks against it, or undefined */
type Check = (machine: ActedOn) => string | undefined;

const powerReason =
  (action: keyof ActedOn['actions']): Check =>
  ({ actions }) =>
    actions[action].allowed ? undefined : (actions[action].reason ?? 'Not possible now.');

const beingDeleted: Check = ({ status }) => (status === 'Terminating' ? 'It is being deleted.' : undefined);

interface PowerEntry {
  id: PowerCommand & ActionId;
  label: string;
  allowed: Check;
  /** Said before it is done, where something is lost. */
  warning?: string;
}

const pausable = powerReason('pause');

const powerEntries: readonly PowerEntry[] = [
  { id: 'start', label: 'Start', allowed: powerReason('start') },
  { id: 'startPaused', label: 'Start paused', allowed: powerReason('start') },
  { id: 'stop', label: 'Shut down', allowed: powerReason('stop') },
  { id: 'restart', label: 'Restart', allowed: powerReason('restart') },
  // Asked of the guest while it runs and is not paused, like pausing.
  { id: 'softReboot', label: 'Reboot the guest', allowed: pausable },
  { id: 'pause', label: 'Pause', allowed: pausable },
  { id: 'unpause', label: 'Resume', allowed: powerReason('unpause') },
  {
    id: 'reset',
    label: 'Reset',
    allowed: pausable,
    warning: 'It is like pressing the reset button. Unsaved data in the guest is lost.',
  },
  {
    id: 'forceOff',
    label: 'Force off',
    allowed: powerReason('forceOff'),
    warning: 'It is like pulling the plug. Unsaved data in the guest is lost.',
  },
];

/** Every action that the app knows, in the order of the menus; what cannot be used now has its reason. */
export function machineActions(machine: ActedOn): MachineAction[] {
  return [...powerEntries.map((entry) => powerAction(machine, entry)), asked(machine, 'delete', 'Delete', 'end', beingDeleted)];
}

/** One action, or undefined where the app or the cluster does not have it. */
export function machineAction(machine: ActedOn, id: ActionId): MachineAction | undefined {
  return machineActions(machine).find((action) => action.id === id);
}

/** Actions as entries of a menu. */
export function menuItems(actions: readonly MachineAction[]): MenuItem[] {
  return actions.map(({ label, asks, group, danger, reason, run }) => ({ label: asks ? `${label}…` : label, group, danger, reason, run }));
}

function powerAction(machine: ActedOn, { id, label, allowed, warning }: PowerEntry): MachineAction {
  const once = (): Promise<void> => power(machine, id);
  const question = id === 'reset' || id === 'forceOff' ? id : undefined;
  return {
    id,
    label,
    asks: question !== undefined,
    group: 'power',
    danger: warning !== undefined,
    reason: allowed(machine),
    warning,
    once,
    run: () => {
      if (question) askAbout(question, machine);
      else void tellFailure(once());
    },
  };
}

function asked(
  machine: ActedOn,
  id: AskedAction,
  label: string,
  group: MachineAction['group'],
  allowed: Check,
): MachineAction {
  return {
    id,
    label,
    asks: true,
    group,
    danger: id === 'delete',
    reason: allowed(machine),
    warning: undefined,
    once: undefined,
    run: () => askAbout(id, machine),
  };
}
