/** How far back charts can look, and how they write times. */
export const ranges = [
  { seconds: 15 * 60, label: '15 min' },
  { seconds: 3600, label: '1 h' },
  { seconds: 6 * 3600, label: '6 h' },
  { seconds: 24 * 3600, label: '24 h' },
] as const;

export const usualRange: number = 3600;

/** @param seconds since 1970 */
export const momentText = (seconds: number): string => new Date(seconds * 1000).toLocaleTimeString([], { hourCycle: 'h23' });
export const clockText = (seconds: number): string => new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
