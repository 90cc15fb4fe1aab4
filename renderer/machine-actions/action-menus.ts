/** The menus of machines: what is done most comes first, and what is seldom done is one step further. */
import type { MenuEntry, MenuItem } from '../components/menu-item.ts';
import type { ActedOn, ActionId, MachineAction } from './action.ts';
import { machineActions } from './actions.ts';

/** Of a row: these stand by themselves, whatever the machine's state, so that each keeps its place. */
const usual: readonly ActionId[] = ['start', 'stop', 'restart'];

/**
 * The menu of a machine's row.
 * @param ways what leads to the machine: its screen, a shell
 */
export function rowMenu(machine: ActedOn, ways: readonly MenuItem[]): MenuEntry[] {
  const actions = machineActions(machine);
  const first: readonly ActionId[] = [...usual, machine.actions.unpause.allowed ? 'unpause' : 'pause'];
  const isFirst = ({ id }: MachineAction): boolean => first.includes(id);
  const of = (group: MachineAction['group']): MenuItem[] => actions.filter((action) => action.group === group && !isFirst(action)).map(entry);
  return [
    ...first.flatMap((id) => actions.filter((action) => action.id === id).map(entry)),
    { label: 'More about power', group: 'power', items: of('power') },
    ...ways,
    { label: 'Copies and backups', group: 'more', items: of('copies') },
    { label: 'Change', group: 'more', items: of('shape') },
    ...of('end'),
  ];
}

export type PageButton = 'start' | 'stop' | 'restart' | 'pause' | 'unpause';

/** What a machine's page and the panel beside the list have: the usual as buttons, and all else in the menu behind them. */
export function pageActions(machine: ActedOn): { buttons: (MachineAction & { id: PageButton })[]; menu: MenuEntry[] } {
  const actions = machineActions(machine);
  const { stop, start, unpause } = machine.actions;
  const shown: readonly PageButton[] = [stop.allowed || !start.allowed ? 'stop' : 'start', 'restart', unpause.allowed ? 'unpause' : 'pause'];
  const isShown = (action: MachineAction): action is MachineAction & { id: PageButton } => shown.some((id) => id === action.id);
  const of = (group: MachineAction['group']): MenuItem[] => actions.filter((action) => action.group === group && !isShown(action)).map(entry);
  return {
    buttons: shown.flatMap((id) => actions.filter(isShown).filter((action) => action.id === id)),
    menu: [...of('power'), ...of('copies'), { label: 'Change', group: 'shape', items: of('shape') }, ...of('end')],
  };
}

const entry = ({ label, asks, group, danger, reason, run }: MachineAction): MenuItem => ({ label: asks ? `${label}…` : label, group, danger, reason, run });
