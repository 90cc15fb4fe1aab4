/** The columns that were chosen last: used wherever an address names none. Remembered by this browser. */
import { columnIds, defaultColumns, type ColumnId } from './columns.ts';

const key = 'hayloft.machines.columns';

class UsualColumns {
  ids = $state.raw<readonly ColumnId[]>(remembered());

  choose(ids: readonly ColumnId[]): void {
    this.ids = columnIds.filter((id) => ids.includes(id));
    localStorage.setItem(key, this.ids.join());
  }
}

function remembered(): readonly ColumnId[] {
  const kept = localStorage.getItem(key)?.split(',') ?? [];
  const known = columnIds.filter((id) => kept.includes(id));
  return known.length === 0 ? defaultColumns : known;
}

export const usualColumns = new UsualColumns();
