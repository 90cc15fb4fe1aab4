/** Writing QEMU's option strings. */

export type OptionValue = string | number | boolean | undefined;

/**
 * `driver,key=value,…` as QEMU reads it: commas within a value are doubled, undefined values are left out.
 * Booleans become on and off.
 */
export function option(driver: string, values: Record<string, OptionValue> = {}): string {
  const parts = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `,${key}=${text(value)}`);
  return driver + parts.join('');
}

function text(value: OptionValue): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return String(value).replaceAll(',', ',,');
}
