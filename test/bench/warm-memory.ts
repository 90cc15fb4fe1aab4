/**
 * Virtual machines that give unused memory back to their host pay for every page that they take again, more than the
 * write itself costs. Whoever comes first after a pause would bear it: so each timed transfer begins with memory that was
 * in use a moment ago.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const chunk = Buffer.alloc(2 ** 20);

/** Takes so much of the page cache, through a file in the folder, and lets it go. */
export function warmMemory(folder: string, mebibytes: number): void {
  const path = join(folder, 'warm');
  const descriptor = openSync(path, 'w');
  for (let part = 0; part < mebibytes; part++) writeSync(descriptor, chunk);
  closeSync(descriptor);
  rmSync(path);
}
