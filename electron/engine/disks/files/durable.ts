/** Making files last: content first, then the name. */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Waits until the file's content is on the disk. */
export async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Gives a file that is on the disk already its real name, for good. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  // Windows has no way to sync a folder; its file systems keep names by a journal.
  if (process.platform === 'win32') return;
  const folder = await open(dirname(to), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
