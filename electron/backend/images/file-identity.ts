/** By what a file is known again: another size, time or number means that it is not the one whose upload began. */
import { stat } from 'node:fs/promises';
import { fileChanged } from '#shared/images/file-changed.ts';

export interface FileIdentity {
  path: string;
  sizeBytes: number;
  /** Of its last change, in milliseconds since 1970. */
  modifiedMs: number;
  /** Its number in the file system: one that was put in its place has another. */
  inode: number;
}

/** What of a `Stats` it takes. */
interface Found {
  size: number;
  mtimeMs: number;
  ino: number;
}

export const identityOf = (path: string, { size, mtimeMs, ino }: Found): FileIdentity => ({ path, sizeBytes: size, modifiedMs: mtimeMs, inode: ino });

export const isSameFile = ({ size, mtimeMs, ino }: Found, { sizeBytes, modifiedMs, inode }: FileIdentity): boolean =>
  size === sizeBytes && mtimeMs === modifiedMs && ino === inode;

/** @throws HayloftError `truncated` when there is another file at its path by now, or none */
export async function refuseChanged(file: FileIdentity): Promise<void> {
  const found = await stat(file.path).catch(() => undefined);
  if (!found || !isSameFile(found, file)) throw fileChanged();
}
