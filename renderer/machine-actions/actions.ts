/**
 * The one list of what can be done to a machine. The list's rows and its context menu, the panel beside it, the command
 * palette and the machine's page all take it from here, so that an action has the same name, reason and question everywhere.
 */
import type { Ability } from '#shared/contract/machine-actions.ts';
import type { PowerCommand } from '#shared/contract/machines.ts';
import { connection } from '../state/connection.svelte.ts';
import { reach } from '../state/reach.svelte.ts';
import { abilities } from './abilities.svelte.ts';
import type { ActedOn, ActionId, AskedAction, MachineAction } from './action.ts';
import { askAbout } from './open-question.svelte.ts';
import { powerLosses } from './power-losses.ts';
import { power, tellFailure } from './power.ts';

/** @returns what speaks against it, or undefined */
type Check = (machine: ActedOn) => string | undefined;

const powerReason =
  (action: keyof ActedOn['actions']): Check =>
  ({ actions }) =>
    actions[action].allowed ? undefined : (actions[action].reason ?? 'Not possible now.');

const beingDeleted: Check = ({ status }) => (status === 'Terminating' ? 'It is being deleted.' : undefined);
/** KubeVirt refuses changes of a machine whose disks are being copied or replaced. */
const busy: Check = (machine) => {
  if (machine.restoring !== undefined) return 'It is being restored from a snapshot.';
  if (machine.snapshotting !== undefined) return 'A snapshot of it is being taken.';
  return beingDeleted(machine);
};
/** A guest can be asked while it runs and is not paused, which is when it can be paused. */
const awake: Check = (machine) => (machine.actions.unpause.allowed ? 'It is paused.' : powerReason('pause')(machine));
const movable: Check = (machine) => {
  if (machine.status === 'Migrating') return 'It is being moved already.';
  return awake(machine) ?? machine.notMigratable;
};

interface PowerEntry {
  id: PowerCommand & ActionId;
  label: string;
  needs: Ability;
  check: Check;
}

const powerEntries: readonly PowerEntry[] = [
  { id: 'start', label: 'Start', needs: 'start', check: powerReason('start') },
  { id: 'startPaused', label: 'Start paused', needs: 'start', check: powerReason('start') },
  { id: 'stop', label: 'Shut down', needs: 'stop', check: powerReason('stop') },
  { id: 'restart', label: 'Restart', needs: 'restart', check: powerReason('restart') },
  { id: 'softReboot', label: 'Reboot the guest', needs: 'softReboot', check: awake },
  { id: 'pause', label: 'Pause', needs: 'pause', check: powerReason('pause') },
  { id: 'unpause', label: 'Resume', needs: 'pause', check: powerReason('unpause') },
  { id: 'reset', label: 'Reset', needs: 'reset', check: awake },
  { id: 'forceOff', label: 'Force off', needs: 'stop', check: powerReason('forceOff') },
];

interface AskedEntry {
  id: AskedAction;
  label: string;
  group: MachineAction['group'];
  needs: Ability;
  check: Check;
}

const askedEntries: readonly AskedEntry[] = [
  { id: 'migrate', label: 'Move to another node', group: 'copies', needs: 'migrate', check: movable },
  { id: 'snapshot', label: 'Take snapshot', group: 'copies', needs: 'snapshot', check: busy },
  { id: 'restore', label: 'Restore snapshot', group: 'copies', needs: 'restore', check: busy },
  { id: 'clone', label: 'Clone', group: 'copies', needs: 'clone', check: beingDeleted },
  { id: 'backup', label: 'Download backup', group: 'copies', needs: 'backup', check: busy },
  { id: 'resize', label: 'Resize', group: 'shape', needs: 'change', check: busy },
  { id: 'addDisk', label: 'Attach disk', group: 'shape', needs: 'change', check: busy },
  { id: 'expandDisk', label: 'Expand disk', group: 'shape', needs: 'expandDisk', check: busy },
  { id: 'removeDisk', label: 'Detach disk', group: 'shape', needs: 'change', check: busy },
  { id: 'media', label: 'CD drive', group: 'shape', needs: 'change', check: busy },
  { id: 'runStrategy', label: 'When it runs', group: 'shape', needs: 'change', check: busy },
  { id: 'edit', label: 'Description and labels', group: 'shape', needs: 'change', check: beingDeleted },
  { id: 'delete', label: 'Delete', group: 'end', needs: 'delete', check: beingDeleted },
];

/** Every action that the app knows, in the order of the menus; what cannot be used now has its reason. */
export function machineActions(machine: ActedOn): MachineAction[] {
  const asked = askedEntries.filter(({ id, needs }) => id !== 'migrate' || !abilities.isPointless(machine, needs));
  return [
    ...powerEntries.map((entry) => powerAction(machine, entry)),
    ...(machine.status === 'Migrating' ? [abortMigration(machine)] : []),
    ...asked.map((entry) => askedAction(machine, entry)),
  ];
}

/** One action, or undefined where the app or the cluster does not have it. */
export function machineAction(machine: ActedOn, id: ActionId): MachineAction | undefined {
  return machineActions(machine).find((action) => action.id === id);
}


function powerAction(machine: ActedOn, { id, label, needs, check }: PowerEntry): MachineAction {
  const asks = id === 'reset' || id === 'forceOff';
  const once = (): Promise<void> => power(machine, id);
  return {
    id,
    label,
    asks,
    group: 'power',
    danger: asks,
    reason: reasonOf(machine, needs, check),
    warning: asks ? powerLosses[id] : undefined,
    once,
    run: () => {
      if (asks) askAbout(id, machine);
      else void tellFailure(once());
    },
  };
}

function askedAction(machine: ActedOn, { id, label, group, needs, check }: AskedEntry): MachineAction {
  return {
    id,
    label,
    asks: true,
    group,
    danger: id === 'delete',
    reason: reasonOf(machine, needs, check),
    warning: undefined,
    once: undefined,
    run: () => askAbout(id, machine),
  };
}

function abortMigration(machine: ActedOn): MachineAction {
  const { clusterId, namespace, name } = machine;
  const once = async (): Promise<void> => {
    await connection.call('machines.abortMigration', { clusterId, namespace, name });
  };
  return {
    id: 'abortMigration',
    label: 'Stop moving',
    asks: false,
    group: 'copies',
    danger: false,
    reason: reasonOf(machine, 'migrate', beingDeleted),
    warning: undefined,
    once,
    run: () => void tellFailure(once()),
  };
}

/** What cannot be reached cannot be changed; then the machine's own state, which changes, and rights, which seldom do. */
const reasonOf = (machine: ActedOn, needs: Ability, check: Check): string | undefined =>
  reach.why(machine.clusterId) ?? check(machine) ?? abilities.missing(machine, needs);
