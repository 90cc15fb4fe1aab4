/** Which run of the host this is. */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Changes with each boot of the host. Where the system has no such thing, the minute of its start serves. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return String(Math.round((Date.now() / 1000 - uptime()) / 60));
  }
}
