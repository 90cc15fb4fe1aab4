import { renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file (0600) that is whole at every moment, in a folder that is there. What it returned from is on
 * the disk. Throws the system's own errors; nothing half written is left then.
 */
export function writeWhole(path: string, text: string): void {
  const partial = `${path}.${process.pid}.partial`;
  try {
    writeFileSync(partial, text, { mode: 0o600, flush: true });
    renameSync(partial, path);
  } finally {
    rmSync(partial, { force: true });
  }
}
