/** Which machines are chosen, and how clicks and keys change that. */

export interface Selection {
  keys: ReadonlySet<string>;
  /** Where a range begins. */
  anchor: string | undefined;
}

export const nothingSelected: Selection = { keys: new Set(), anchor: undefined };

export function selectOnly(key: string): Selection {
  return { keys: new Set([key]), anchor: key };
}

export function toggle({ keys }: Selection, key: string): Selection {
  const changed = new Set(keys);
  if (!changed.delete(key)) changed.add(key);
  return { keys: changed, anchor: key };
}

/**
 * From the anchor to this one, both included.
 * @param order keys of all rows as they stand
 * @param keep adds to what is selected instead of replacing it
 */
export function selectTo({ keys, anchor }: Selection, key: string, order: readonly string[], keep = false): Selection {
  const to = order.indexOf(key);
  const from = anchor === undefined ? -1 : order.indexOf(anchor);
  if (to === -1) return { keys, anchor };
  // Without a beginning that can still be seen, this is the beginning.
  if (from === -1) return { keys: new Set(keep ? [...keys, key] : [key]), anchor: key };
  const range = order.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { keys: new Set(keep ? [...keys, ...range] : range), anchor };
}

export function selectAll(order: readonly string[]): Selection {
  return { keys: new Set(order), anchor: order[0] };
}
