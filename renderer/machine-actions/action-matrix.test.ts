/**
 * Every action against every state that a machine is found in, and against the three places that offer it: where its
 * condition holds it can be used in all of them, and elsewhere each says why not, in the same words.
 */
import { beforeAll, expect, it, vi } from 'vitest';
import { powerActionsOf, statusOf } from '#shared/kube/machine-status.ts';
import type { PrintableStatus, RunStrategy, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { Cluster } from '#shared/contract/clusters.ts';
import type { CallOutput } from '#shared/contract/contract.ts';
import type { Machine } from '#shared/contract/machines.ts';
import type { MenuEntry } from '../components/menu-item.ts';
import { findCommands } from '../frame/palette/commands.ts';
import { sampleMachine } from '../machines/list/sample-machine.ts';
import { actionIds, askedActions, type ActionId } from './action.ts';

type Abilities = CallOutput<'machines.abilities'>;

const notAllowed = 'You may not do this on this cluster.';
/** What each of the clusters answers: one that can do everything, one of a single node, one whose user may only look. */
const answers: Record<string, Abilities> = {
  local: { missing: {}, pointless: [] },
  single: { missing: {}, pointless: ['migrate'] },
  viewer: {
    missing: Object.fromEntries(['start', 'stop', 'restart', 'pause', 'softReboot', 'reset', 'migrate', 'snapshot', 'restore', 'clone', 'backup', 'change', 'expandDisk', 'delete'].map((ability) => [ability, notAllowed])),
    pointless: [],
  },
};

vi.mock('../state/connection.svelte.ts', () => ({
  connection: { call: (_name: string, { clusterId }: { clusterId: string }) => Promise.resolve(answers[clusterId] ?? answers['local']) },
}));
const { machineActions } = await import('./actions.ts');
const { pageActions, rowMenu } = await import('./action-menus.ts');
const { abilities } = await import('./abilities.svelte.ts');
const { reach } = await import('../state/reach.svelte.ts');

interface State {
  status: PrintableStatus;
  strategy?: RunStrategy;
  /** Of its instance; none: there is none. */
  phase?: string;
  paused?: boolean;
  more?: Partial<Machine>;
}

function machineIn({ status, strategy = 'Manual', phase, paused = false, more }: State): Machine {
  const metadata = { name: 'web', ...(status === 'Terminating' ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) };
  const vm = { metadata, spec: { runStrategy: strategy }, status: { printableStatus: status } } as VirtualMachine;
  const conditions = paused ? [{ type: 'Paused', status: 'True' }] : [];
  const vmi = phase === undefined ? undefined : ({ status: { phase, conditions } } as unknown as VirtualMachineInstance);
  return sampleMachine('web', { status: statusOf(vm), runStrategy: strategy, actions: powerActionsOf(vm, vmi), ...more });
}

const running: State = { status: 'Running', phase: 'Running' };
const states = {
  stopped: { status: 'Stopped' },
  'waits to start by itself': { status: 'ErrorUnschedulable', strategy: 'Always' },
  starting: { status: 'Starting', phase: 'Scheduling' },
  running,
  'running once': { ...running, strategy: 'Once' },
  paused: { status: 'Paused', phase: 'Running', paused: true },
  stopping: { status: 'Stopping', phase: 'Running' },
  migrating: { ...running, status: 'Migrating' },
  'bound to its node': { ...running, more: { notMigratable: 'Its disk is not shared.' } },
  'being snapshot': { ...running, more: { snapshotting: 'first' } },
  'being restored': { status: 'Stopped', more: { restoring: 'first' } },
  terminating: { status: 'Terminating' },
  'for who may only look': { ...running, more: { clusterId: 'viewer' } },
  'out of reach': { ...running, more: { clusterId: 'lost' } },
} satisfies Record<string, State>;
type StateName = keyof typeof states;

const copies: readonly ActionId[] = ['snapshot', 'restore', 'backup'];
const changes: readonly ActionId[] = ['resize', 'addDisk', 'removeDisk', 'expandDisk', 'media', 'runStrategy'];
const untouched: readonly ActionId[] = [...copies, 'clone', ...changes, 'edit', 'delete'];
const awake: readonly ActionId[] = ['stop', 'restart', 'softReboot', 'pause', 'reset', 'forceOff'];

/** What can be used; all else is refused. Written down here, apart from the code that decides it. */
const usable: Record<StateName, readonly ActionId[]> = {
  stopped: ['start', 'startPaused', ...untouched],
  'waits to start by itself': ['stop', ...untouched],
  starting: ['stop', 'forceOff', ...untouched],
  running: [...awake, 'migrate', ...untouched],
  'running once': [...awake.filter((id) => id !== 'restart'), 'migrate', ...untouched],
  paused: ['stop', 'restart', 'unpause', 'forceOff', ...untouched],
  stopping: ['restart', 'forceOff', ...untouched],
  migrating: [...awake, 'abortMigration', ...untouched],
  'bound to its node': [...awake, ...untouched],
  'being snapshot': [...awake, 'migrate', 'clone', 'edit', 'delete'],
  'being restored': ['start', 'startPaused', 'clone', 'edit', 'delete'],
  terminating: [],
  'for who may only look': [],
  'out of reach': [],
};

const flat = (entries: readonly MenuEntry[]): { label: string; reason?: string | undefined }[] => entries.flatMap((item) => ('items' in item ? flat(item.items) : [item]));

/** Label and reason of each action, as a place has them. */
const told = (items: readonly { label: string; reason?: string | undefined }[]): Record<string, string> =>
  Object.fromEntries(items.map(({ label, reason }): [string, string] => [label.replace('…', ''), reason ?? 'can be used']).sort());

beforeAll(async () => {
  reach.take([{ id: 'lost', name: 'Attic', state: 'unreachable' } as Cluster]);
  for (const clusterId of ['local', 'single', 'viewer']) abilities.missing({ clusterId, namespace: 'default' }, 'start');
  await vi.waitFor(() => expect(abilities.missing({ clusterId: 'viewer', namespace: 'default' }, 'start')).toBe(notAllowed));
});

it.each(Object.keys(states) as StateName[])('of a machine that is %s, each action can be used where its condition holds, and says why elsewhere', (name) => {
  const actions = machineActions(machineIn(states[name]));
  expect(actions.filter(({ reason }) => reason === undefined).map(({ id }) => id).sort()).toEqual([...usable[name]].sort());
  for (const { reason } of actions) if (reason !== undefined) expect(reason).toMatch(/^[A-Z“].*\.$/s);
});

it.each(Object.keys(states) as StateName[])('of a machine that is %s, the row’s menu, its page and the palette offer the same', (name) => {
  const machine = machineIn(states[name]);
  const all = told(machineActions(machine));
  const { buttons, menu } = pageActions(machine);
  expect(told(flat(rowMenu(machine, [])))).toEqual(all);
  expect(told([...buttons, ...flat(menu)])).toEqual(all);
  expect(Object.keys(all).length).toBe(buttons.length + flat(menu).length);
  const source = { machines: [machine], actions: machineActions, open: () => undefined, pages: [], recent: [] };
  for (const { id, label, reason } of machineActions(machine)) {
    const found = findCommands(`${label} web`, source).find((command) => command.id === `${id} ${machine.key}`);
    expect({ label: found?.label.replace('…', ''), reason: found?.reason }).toEqual({ label: `${label} web`, reason });
  }
});

it('knows every action in some state', () => {
  const known = new Set(Object.values(states).flatMap((state) => machineActions(machineIn(state)).map(({ id }) => id)));
  expect([...known].sort()).toEqual([...actionIds].sort());
  const asking = machineActions(machineIn(running)).filter(({ asks }) => asks).map(({ id }) => id);
  expect(asking.sort()).toEqual([...askedActions].sort());
});

it('leaves out a move where there is no other node, and speaks of the paused state in no other words', () => {
  const ids = machineActions(machineIn({ ...running, more: { clusterId: 'single' } })).map(({ id }) => id);
  expect(ids).not.toContain('migrate');
  const paused = told(machineActions(machineIn(states.paused)));
  expect(paused).toMatchObject({ Pause: 'It is paused already.', Reset: 'It is paused.', 'Reboot the guest': 'It is paused.', 'Move to another node': 'It is paused.' });
});
