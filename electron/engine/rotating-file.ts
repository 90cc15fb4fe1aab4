/** A file that lines are added to, bounded in size. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

export interface RotatingFile {
  add(line: string): void;
  close(): void;
}

/**
 * @param path the file (0600); at its bound, in bytes, it is renamed to `path.1`, which replaces the one before
 */
export function openRotatingFile(path: string, bound: number): RotatingFile {
  let file = openSync(path, 'a', 0o600);
  let size = fstatSync(file).size;
  return {
    add: (line) => {
      try {
        if (size > 0 && size + line.length > bound) {
          closeSync(file);
          renameSync(path, `${path}.1`);
          file = openSync(path, 'a', 0o600);
          size = 0;
        }
        size += writeSync(file, line);
      } catch {
        // A full disk must not end the engine for a line's sake; who asked for something is told by the answer.
      }
    },
    close: () => closeSync(file),
  };
}
