/** Storage classes: marks their folders, notices when one goes, and tells how much room each has. */
import { statfs } from 'node:fs/promises';
import type { StorageClass } from '#shared/kube/core.ts';
import { createController, type Controller, type ReconcileResult } from '../../controller.ts';
import { DISK_FREE_ANNOTATION } from '#shared/kube/labels.ts';
import { isWorthTelling } from '../../core/node-status.ts';
import { storageClasses } from '../definitions/storage-class.ts';
import { folderMissing, isFolderThere, markFolder } from '../files/class-folder.ts';
import type { DiskParts } from '../parts.ts';

/** On a class whose folder has been marked: from then on the mark must be there. */
export const FOLDER_MARKED_ANNOTATION = 'hayloft.io/folder-marked';
/** On a class: how large the file system with its folder is, in bytes. */
export const DISK_SIZE_ANNOTATION = 'hayloft.io/disk-size';

const lookEveryMs = 60_000;
const lookForFolderEveryMs = 15_000;

export function controlClasses(parts: DiskParts): Controller {
  return createController(parts, {
    of: storageClasses,
    reconcile: ({ name }) => {
      const found = parts.resources.get(storageClasses, undefined, name);
      return found === undefined ? undefined : look(parts, found);
    },
  });
}

async function look(parts: DiskParts, found: StorageClass): Promise<ReconcileResult> {
  const { name = '', annotations = {} } = found.metadata;
  const path = found.parameters?.['path'];
  if (path !== undefined) {
    const marked = annotations[FOLDER_MARKED_ANNOTATION] !== undefined;
    if (marked ? !isFolderThere(path) : !markFolder(path)) {
      parts.events.record(found, 'Warning', 'FolderMissing', marked ? folderMissing(path) : `There is no folder ${path}: make it, or mount the disk that it is on.`);
      note(parts, name, { [DISK_FREE_ANNOTATION]: undefined, [DISK_SIZE_ANNOTATION]: undefined });
      return { requeueAfterMs: lookForFolderEveryMs };
    }
  }
  const { bavail, bsize, blocks } = await statfs(parts.files.folder(path));
  const free = bavail * bsize;
  const told = annotations[DISK_FREE_ANNOTATION];
  note(parts, name, {
    ...(path === undefined ? {} : { [FOLDER_MARKED_ANNOTATION]: 'true' }),
    ...(isWorthTelling(free, told === undefined ? undefined : Number(told)) ? { [DISK_FREE_ANNOTATION]: String(free) } : {}),
    [DISK_SIZE_ANNOTATION]: String(blocks * bsize),
  });
  return { requeueAfterMs: lookEveryMs };
}

/** Writes what is new; undefined takes an annotation off. */
function note({ resources }: DiskParts, name: string, news: Record<string, string | undefined>): void {
  const now = resources.get(storageClasses, undefined, name)?.metadata.annotations ?? {};
  if (Object.entries(news).every(([key, value]) => now[key] === value)) return;
  resources.change(storageClasses, undefined, name, ({ metadata }) => {
    const merged = Object.entries({ ...metadata.annotations, ...news }).filter(([, value]) => value !== undefined);
    metadata.annotations = Object.fromEntries(merged) as Record<string, string>;
  });
}
