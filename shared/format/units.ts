/** Amounts as people read them. */

const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1536` → `1.5 KiB`; three digits are enough for anyone. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (Math.abs(value) >= 1023.5 && step < steps.length - 1) {
    value /= 1024;
    step += 1;
  }
  const digits = step === 0 || value >= 99.95 || Number.isInteger(value) ? 0 : value >= 9.995 ? 1 : 2;
  return `${trimmed(value.toFixed(digits))} ${steps[step] ?? ''}`;
}

/** Bytes a second. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** Bits a second, as networks are sold: `12.3 Mbit/s`. */
export function formatBitRate(bitsPerSecond: number): string {
  const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'];
  const step = bitsPerSecond < 999.5 ? 0 : bitsPerSecond < 999_500 ? 1 : bitsPerSecond < 999_500_000 ? 2 : 3;
  const value = bitsPerSecond / 1000 ** step;
  return `${trimmed(value.toFixed(step === 0 || value >= 99.95 ? 0 : 1))} ${units[step] ?? ''}`;
}

/** `12.3 %`; of hundred. */
export function formatPercent(percent: number): string {
  return `${trimmed(percent.toFixed(percent >= 9.95 ? 0 : 1))} %`;
}

/** A length of time, roughly: `45 s`, `3 min`, `2 h 5 min`, `4 d`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d`;
}

/** How long ago, in words. Times in milliseconds since the epoch. */
export function formatAge(then: number, now: number): string {
  const seconds = (now - then) / 1000;
  return seconds < 5 ? 'just now' : `${formatDuration(seconds)} ago`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const trimmed = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
