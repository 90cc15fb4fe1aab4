/** The actions on several machines as entries of a menu. */
import type { Machine } from '#shared/contract/machines.ts';
import { plural } from '#shared/format/units.ts';
import type { MenuItem } from '../../components/menu-item.ts';
import { bulkIds, bulkReason, bulkWords } from './bulk-actions.ts';
import { bulk } from './bulk.svelte.ts';

/** What none of the machines can have says why; what some of them can have is asked about for those. */
export function bulkMenu(machines: readonly Machine[]): MenuItem[] {
  return bulkIds.map((id) => {
    const able = machines.filter((machine) => bulkReason(id, machine) === undefined).length;
    const [first] = machines;
    return {
      label: `${bulkWords[id].verb} ${plural(able === 0 ? machines.length : able, 'machine')}…`,
      group: id === 'label' ? 'shape' : id === 'delete' ? 'end' : 'power',
      danger: bulkWords[id].danger === true,
      reason: able === 0 && first ? bulkReason(id, first) : undefined,
      run: () => bulk.ask(id, machines),
    };
  });
}
