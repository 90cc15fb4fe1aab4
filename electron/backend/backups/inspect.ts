/** Looking into backups: what there is, what one holds, and whether its files are as they were written. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backup, FileState } from '#shared/contract/backups.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { CHECKSUM_FILE, MANIFEST_FILE, readIndex, type BackupIndex, type KeptFile } from './layout.ts';
import { readManifests, readObjects, type Manifests } from './manifests.ts';
import { needKey, needsOf, type NeededObject } from './needs.ts';

/** The backups in a folder, the latest first. What is none is left out. */
export async function listBackups(parent: string): Promise<Backup[]> {
  const names = await readdir(parent).catch(() => []);
  const found = await Promise.all(names.map((name) => inspect(join(parent, name)).catch(() => undefined)));
  return found.filter((backup) => backup !== undefined).sort((a, b) => b.taken - a.taken);
}

/**
 * What a backup holds, and which of its files are missing or cut off; whether the others are intact is for
 * {@link FileChecks}.
 * @throws HayloftError why there is no backup to be read
 */
export async function inspect(folder: string): Promise<Backup> {
  const index = await readIndex(folder);
  const { machine } = await manifestsIn(folder, index);
  const disks = await Promise.all(index.disks.map(async ({ name, file, packing, sizeBytes, fileBytes }) => ({ name, file, packing, sizeBytes, fileBytes, ...(await firstLook(folder, file, fileBytes)) })));
  const objects = await objectsIn(folder, index);
  const held = new Set(objects.map(({ kind, metadata }) => needKey({ kind, name: metadata.name ?? '' })));
  const { domain } = machine.spec.template.spec;
  const description = machine.metadata.annotations?.[DESCRIPTION_ANNOTATION];
  const { sockets = 1, cores = 1, threads = 1 } = domain.cpu ?? {};
  const memoryBytes = parseQuantity(domain.memory?.guest ?? domain.resources?.requests?.memory);
  return {
    folder,
    machine: index.machine.name,
    namespace: index.machine.namespace,
    cluster: index.cluster,
    taken: Date.parse(index.taken),
    running: index.running,
    ...(description === undefined ? {} : { description }),
    cores: sockets * cores * threads,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    disks,
    needs: needsOf(machine).filter((need) => !held.has(needKey(need))),
    holds: objects.map(({ kind, metadata }) => ({ kind, name: metadata.name ?? '' })),
    hasState: index.state !== undefined,
  };
}

/** @throws HayloftError `truncated` where it is not the one that was written */
export async function manifestsIn(folder: string, { manifestSha256 }: BackupIndex): Promise<Manifests> {
  const text = await readFile(join(folder, MANIFEST_FILE), 'utf8').catch((cause: unknown) => {
    throw new HayloftError('truncated', `The file ${MANIFEST_FILE} is missing in ${folder}.`, { hint: 'Copy the whole folder again, or use another backup.', field: 'folder', cause });
  });
  if (createHash('sha256').update(text).digest('hex') !== manifestSha256) {
    throw new HayloftError('truncated', `The file ${MANIFEST_FILE} in ${folder} is not the one that was written: its checksum differs.`, {
      hint: `Copy the folder again, or use another backup. Whoever changed it on purpose changes its checksum in ${CHECKSUM_FILE} and backup.json, too.`,
      field: 'folder',
    });
  }
  return readManifests(text);
}

async function firstLook(folder: string, file: string, fileBytes: number): Promise<{ state?: FileState }> {
  const found = await stat(join(folder, file)).catch(() => undefined);
  if (!found?.isFile()) return { state: 'missing' };
  return found.size === fileBytes ? {} : { state: 'damaged' };
}

/**
 * A file that is read whole.
 * @throws HayloftError `truncated` where it is not the one that was written
 */
export async function keptIn(folder: string, { file, sha256 }: KeptFile): Promise<Buffer> {
  const content = await readFile(join(folder, file)).catch(() => undefined);
  if (content && createHash('sha256').update(content).digest('hex') === sha256) return content;
  const what = content ? `The file ${file} in ${folder} is not the one that was written: its checksum differs.` : `The file ${file} is missing in ${folder}.`;
  throw new HayloftError('truncated', what, { hint: 'Copy the whole folder again, or use another backup.', field: 'folder' });
}

/** Secrets and ConfigMaps that came with the machine. */
export async function objectsIn(folder: string, { objects }: BackupIndex): Promise<NeededObject[]> {
  return objects === undefined ? [] : readObjects((await keptIn(folder, objects)).toString());
}

/** Compares files with their checksums, and remembers those that have not changed since. */
export class FileChecks {
  readonly #good = new Set<string>();

  /** @param progress told how many bytes have been read */
  async check(folder: string, file: string, signal?: AbortSignal, progress: (bytes: number) => void = () => undefined): Promise<FileState> {
    const { disks } = await readIndex(folder);
    const wanted = disks.find((disk) => disk.file === file);
    if (!wanted) throw new HayloftError('not-found', `There is no ${file} in this backup.`);
    const path = join(folder, file);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) return 'missing';
    if (found.size !== wanted.fileBytes) return 'damaged';
    const key = `${path}\n${found.mtimeMs}\n${found.size}\n${wanted.sha256}`;
    if (this.#good.has(key)) return 'good';
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20, ...(signal ? { signal } : {}) }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      progress((bytes += chunk.length));
    }
    if (hash.digest('hex') !== wanted.sha256) return 'damaged';
    this.#good.add(key);
    return 'good';
  }
}
