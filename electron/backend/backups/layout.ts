/** A backup on disk: a folder with a disk in each file, the machine's manifests, checksums, and a file that says what is in it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HayloftError } from '#shared/contract/errors.ts';

/** What is in it. It is written last: a folder without it is no whole backup. */
export const INDEX_FILE = 'backup.json';
/** What brings the machine to life, as the cluster's export gave it. */
export const MANIFEST_FILE = 'machine.yaml';
/** Secrets and ConfigMaps that the machine reads, as kubectl takes them. */
export const OBJECTS_FILE = 'secrets.yaml';
/** What its firmware and TPM remember: files that are named as on KubeVirt's own volume for it. */
export const STATE_FILE = 'persistent-state.tar.gz';
/** As `sha256sum --check` reads them. */
export const CHECKSUM_FILE = 'SHA256SUMS';
/** A backup that is not finished has this at the end of its folder's name. */
export const PARTIAL_ENDING = '.partial';

export const backedUpDisk = z.object({
  /** Name of the claim that it is of. */
  name: z.string(),
  file: z.string().regex(/^[^/\\]+$/),
  packing: z.enum(['gzip', 'none']),
  /** Of the disk that a guest sees, in bytes. */
  sizeBytes: z.number(),
  fileBytes: z.number(),
  sha256: z.string(),
});
export type BackedUpDisk = z.infer<typeof backedUpDisk>;

/** A file beside the disks. */
const keptFile = z.object({ file: z.string().regex(/^[^/\\]+$/), fileBytes: z.number(), sha256: z.string() });
export type KeptFile = z.infer<typeof keptFile>;

export const backupIndex = z.object({
  /** Of this layout. */
  version: z.literal(1),
  machine: z.object({ name: z.string(), namespace: z.string() }),
  /** Name of the cluster in the app. */
  cluster: z.string(),
  taken: z.iso.datetime(),
  /** Whether it ran then: its disks are as after a power cut, or better where its agent helped. */
  running: z.boolean(),
  manifestSha256: z.string(),
  disks: z.array(backedUpDisk),
  /** Secrets and ConfigMaps that the machine reads. Backups of older versions have none. */
  objects: keptFile.optional(),
  /** What its firmware and TPM remember. */
  state: keptFile.optional(),
});
export type BackupIndex = z.infer<typeof backupIndex>;

/** Name of a disk's file. */
export const diskFile = (claim: string, packing: BackedUpDisk['packing']): string => `${claim}.img${packing === 'gzip' ? '.gz' : ''}`;

export function checksums({ disks, manifestSha256, objects, state }: Pick<BackupIndex, 'disks' | 'manifestSha256' | 'objects' | 'state'>): string {
  const lines = [...disks.map(({ sha256, file }) => ({ sha256, file })), { sha256: manifestSha256, file: MANIFEST_FILE }, ...[objects, state].filter((kept) => kept !== undefined)];
  return lines.map(({ sha256, file }) => `${sha256}  ${file}\n`).join('');
}

/** @throws HayloftError `not-found` where there is no backup, `truncated` where it is not whole, `unsupported` where a newer Hayloft made it */
export async function readIndex(folder: string): Promise<BackupIndex> {
  let text: string;
  try {
    text = await readFile(join(folder, INDEX_FILE), 'utf8');
  } catch (cause) {
    if (folder.endsWith(PARTIAL_ENDING)) {
      throw new HayloftError('truncated', 'This backup was not finished.', { hint: 'Take another one, or go on with it in the list of tasks.', field: 'folder', cause });
    }
    throw new HayloftError('not-found', `There is no backup in ${folder}.`, { hint: `The folder of a backup has a file called ${INDEX_FILE}.`, field: 'folder', cause });
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw damaged(folder, cause);
  }
  const found = backupIndex.safeParse(content);
  if (found.success) return found.data;
  if ((content as { version?: unknown } | null)?.version !== 1) {
    throw new HayloftError('unsupported', 'This backup was made by a newer Hayloft.', { hint: 'Update Hayloft, then restore it.', field: 'folder' });
  }
  throw damaged(folder, found.error);
}

const damaged = (folder: string, cause: unknown): HayloftError =>
  new HayloftError('truncated', `The file ${INDEX_FILE} in ${folder} is damaged, so it cannot be told what the backup holds.`, {
    hint: 'Use another backup. Its disks can still be uploaded as images.',
    field: 'folder',
    cause,
  });
