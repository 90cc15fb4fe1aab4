/** Times as kubectl shows them: the two largest units that matter, fewer the longer it is. */

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

interface Style {
  /** Durations below this many seconds are written so. */
  below: number;
  unit: number;
  sign: string;
  /** The smaller unit that is told, too, unless it is zero. */
  rest?: { unit: number; sign: string };
}

/** The limits are those of kubectl's AGE column. */
const styles: readonly Style[] = [
  { below: 2 * minute, unit: 1, sign: 's' },
  { below: 10 * minute, unit: minute, sign: 'm', rest: { unit: 1, sign: 's' } },
  { below: 3 * hour, unit: minute, sign: 'm' },
  { below: 8 * hour, unit: hour, sign: 'h', rest: { unit: minute, sign: 'm' } },
  { below: 2 * day, unit: hour, sign: 'h' },
  { below: 8 * day, unit: day, sign: 'd', rest: { unit: hour, sign: 'h' } },
  { below: 2 * year, unit: day, sign: 'd' },
  { below: 8 * year, unit: year, sign: 'y', rest: { unit: day, sign: 'd' } },
  { below: Infinity, unit: year, sign: 'y' },
];

/** @param ms how long, in milliseconds; a little below zero (clocks differ) counts as zero */
export function shortDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return '<invalid>';
  const whole = Math.max(0, seconds);
  const style = styles.find(({ below }) => whole < below);
  if (!style) return '<invalid>';
  const rest = style.rest ? Math.floor((whole % style.unit) / style.rest.unit) : 0;
  return `${Math.floor(whole / style.unit)}${style.sign}${style.rest && rest > 0 ? `${rest}${style.rest.sign}` : ''}`;
}

/** @param timestamp RFC 3339; anything else is unknown */
export function age(timestamp: unknown, now: number): string {
  const then = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(then) ? '<unknown>' : shortDuration(now - then);
}
