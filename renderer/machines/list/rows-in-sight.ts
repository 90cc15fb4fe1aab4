/** Which lines are in the page. Those that scroll out of sight are used again for those that come. */
import { lineId, type Line, type Lines } from './lines.ts';

export const rowHeight = 36;
/** Rows kept ready beyond the edges. */
const spare = 8;

export interface PlacedLine {
  /** Keeps its element while lines pass through it. */
  slot: number;
  /** Among all lines, from 0. */
  index: number;
  id: string;
  line: Line;
}

export class RowsInSight {
  #placed = new Map<number, PlacedLine>();

  /**
   * @param top how far the lines are scrolled, in pixels
   * @param height of what is seen of them, in pixels
   * @returns from the first to the last; a line that is what and where it was is the same object as before
   */
  place(lines: Lines, top: number, height: number): PlacedLine[] {
    const slots = Math.ceil(height / rowHeight) + 1 + 2 * spare;
    const furthest = Math.max(0, lines.length - slots);
    const first = Math.max(0, Math.min(furthest, Math.floor(top / rowHeight) - spare));
    const placed = new Map<number, PlacedLine>();
    const rows: PlacedLine[] = [];
    for (let index = first; index < Math.min(lines.length, first + slots); index++) {
      const line = lines.at(index);
      if (!line) break;
      const slot = index % slots;
      const before = this.#placed.get(slot);
      const same = before?.index === index && before.line.machine === line.machine && sameGroup(before.line, line);
      const row = same ? before : { slot, index, id: lineId(line), line };
      placed.set(slot, row);
      rows.push(row);
    }
    this.#placed = placed;
    return rows;
  }
}

function sameGroup({ group: a }: Line, { group: b }: Line): boolean {
  return a === b || (a !== undefined && b !== undefined && a.value === b.value && a.count === b.count && a.open === b.open && a.first === b.first);
}
