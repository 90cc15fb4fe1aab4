/** Takes a backup: an export of the machine is made, downloaded and removed again. */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { z } from 'zod';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import { formatBytes, plural } from '#shared/format/units.ts';
import type { ExportVolume, VirtualMachineExport } from '#shared/kube/export.ts';
import type { Clusters } from '../clusters/clusters.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { readInstance } from '../machine-actions/parts.ts';
import type { TaskEntry } from '../tasks/entry.ts';
import { diskSize, downloadPacked, downloadRaw, type Downloaded, type Stored } from './download.ts';
import { openDoor, type ExportDoor } from './export-door.ts';
import { DisksInUse, ensureExport, exportReady, ofSnapshot, removeExport, wasRunning, type ExportName } from './export-source.ts';
import { asFolderError, refuseTaken } from './folders.ts';
import { isPaused, type Report, type Work } from './jobs.ts';
import { CHECKSUM_FILE, INDEX_FILE, MANIFEST_FILE, OBJECTS_FILE, PARTIAL_ENDING, STATE_FILE, backedUpDisk, checksums, diskFile, readIndex, type BackupIndex, type KeptFile } from './layout.ts';
import { claimOf, readManifests, writeObjects } from './manifests.ts';
import { readNeeds } from './needed-objects.ts';
import { patiently } from './patience.ts';

/** How far a backup is that is not finished: a file in its folder. */
const progressFile = 'progress.json';
const progressNote = z.object({
  exportUid: z.string(),
  disks: z.array(backedUpDisk),
  stored: z.object({ file: z.string(), bytes: z.number(), identity: z.string() }).optional(),
});
type ProgressNote = z.infer<typeof progressNote>;

export interface BackupEntry extends TaskEntry {
  object: string;
  folder: string;
  packing: 'gzip' | 'none';
}

/** What a task of this kind must say. */
export function asBackupEntry({ object, folder, packing, ...entry }: TaskEntry): BackupEntry {
  if (object === undefined || folder === undefined || packing === undefined) throw new HayloftError('internal', 'The task does not say where the backup goes.');
  return { ...entry, object, folder, packing };
}

export function backupWork(clusters: Clusters): Work {
  return async (task, { signal, report }) => {
    const entry = asBackupEntry(task);
    // All was done but telling so.
    const before = await readIndex(entry.folder).catch(() => undefined);
    if (before) return resultOf(entry.folder, before);
    const cluster = clusters.get(entry.machine.clusterId);
    const about: ExportName = { namespace: entry.machine.namespace, name: entry.object };
    const partial = entry.folder + PARTIAL_ENDING;
    let made: string | undefined;
    try {
      await refuseTaken(entry.folder);
      made = await mkdir(partial, { recursive: true, mode: 0o700 });
      const index = await new Backup(cluster, entry, signal, report).run();
      await publish(partial, entry.folder, index);
      await tidy(cluster, about);
      return resultOf(entry.folder, index);
    } catch (error) {
      if (!isPaused(signal)) {
        await tidy(cluster, about);
        await rm(partial, { recursive: true, force: true });
        if (made !== undefined && made !== partial) await removeEmpty(dirname(partial), made);
      }
      throw await asFolderError(error, entry.folder);
    }
  };
}

class Backup {
  readonly #cluster: ClusterConnection;
  readonly #entry: BackupEntry;
  readonly #signal: AbortSignal;
  readonly #report: Report;
  readonly #about: ExportName;
  readonly #partial: string;
  #note: ProgressNote = { exportUid: '', disks: [] };
  /** Bytes of all disks, and of those that are done. */
  #totalBytes = 0;
  #doneBytes = 0;

  constructor(cluster: ClusterConnection, entry: BackupEntry, signal: AbortSignal, report: Report) {
    this.#cluster = cluster;
    this.#entry = entry;
    this.#signal = signal;
    this.#report = report;
    this.#about = { namespace: entry.machine.namespace, name: entry.object };
    this.#partial = entry.folder + PARTIAL_ENDING;
  }

  async run(): Promise<BackupIndex> {
    const found = await this.#exported();
    await this.#takeUp(found);
    const manifests = await this.#atDoor(async ({ fetch, link }) => {
      const url = link.manifests?.find(({ type }) => type === 'all')?.url;
      if (url === undefined) throw new HayloftError('unsupported', 'This cluster’s exports hold no definition of the machine: its KubeVirt is too old.');
      return text(await fetch(url, { accept: 'application/yaml' }, this.#signal));
    });
    await writeFile(join(this.#partial, MANIFEST_FILE), manifests, { mode: 0o600 });
    const { claims, machine: backedUp } = readManifests(manifests);
    const offered = await this.#atDoor(({ link }) => Promise.resolve(link.volumes ?? []));
    const volumes = offered.filter((volume) => !isState(volume));
    const { machine } = this.#entry;
    const objects = await this.#patiently(async () => readNeeds(await this.#cluster.client(this.#signal), machine.namespace, backedUp));
    const keptObjects = objects.length === 0 ? undefined : await this.#store(OBJECTS_FILE, Buffer.from(writeObjects(objects)));
    const state = offered.find(isState);
    const keptState = state && (await this.#store(STATE_FILE, await this.#atDoor(async ({ fetch }) => buffer(await fetch(urlOf(state, 'tar.gz'), {}, this.#signal)))));
    const sizes = new Map<string, number>();
    for (const volume of volumes) sizes.set(volume.name, await this.#atDoor(({ fetch }) => diskSize(fetch, urlOf(volume, 'raw'), this.#signal)));
    this.#totalBytes = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    for (const { name } of volumes) await this.#takeDisk(name, claimOf(name, claims), sizes.get(name) ?? 0);
    const client = await this.#cluster.client(this.#signal);
    return {
      version: 1,
      machine: { name: machine.name, namespace: machine.namespace },
      cluster: this.#cluster.view.name,
      taken: found.metadata.creationTimestamp === undefined ? new Date().toISOString() : new Date(found.metadata.creationTimestamp).toISOString(),
      running: await wasRunning(client, found),
      manifestSha256: createHash('sha256').update(manifests).digest('hex'),
      disks: this.#note.disks,
      ...(keptObjects ? { objects: keptObjects } : {}),
      ...(keptState ? { state: keptState } : {}),
    };
  }

  async #store(file: string, content: Buffer): Promise<KeptFile> {
    await writeFile(join(this.#partial, file), content, { mode: 0o600 });
    return { file, fileBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  }

  /** The export, ready. Of a machine whose disks somebody uses, one by way of a snapshot. */
  async #exported(): Promise<VirtualMachineExport> {
    const { machine } = this.#entry;
    return this.#patiently(async () => {
      const client = await this.#cluster.client(this.#signal);
      const running = (await readInstance(client, machine)) !== undefined;
      const first = await ensureExport(client, this.#about, machine.name, running);
      try {
        return await this.#ready();
      } catch (error) {
        if (!(error instanceof DisksInUse) || ofSnapshot(first)) throw error;
        await removeExport(client, this.#about);
        await ensureExport(client, this.#about, machine.name, true);
        return this.#ready();
      }
    });
  }

  /** Goes on with what an earlier run has of this very export; anything else is of another moment, and goes. */
  async #takeUp({ metadata }: VirtualMachineExport): Promise<void> {
    const exportUid = metadata.uid ?? '';
    const kept = await readFile(join(this.#partial, progressFile), 'utf8').then((content) => progressNote.safeParse(JSON.parse(content)), () => undefined);
    if (kept?.success && kept.data.exportUid === exportUid) {
      this.#note = kept.data;
      return;
    }
    await rm(this.#partial, { recursive: true, force: true });
    await mkdir(this.#partial, { mode: 0o700 });
    await this.#keep({ exportUid, disks: [] });
  }

  async #takeDisk(volume: string, claim: string, sizeBytes: number): Promise<void> {
    const { packing } = this.#entry;
    const file = diskFile(claim, packing);
    if (!this.#note.disks.some((disk) => disk.file === file)) {
      const done = await this.#patiently(async (moved) => this.#download(volume, file, sizeBytes, moved));
      const { exportUid, disks } = this.#note;
      await this.#keep({ exportUid, disks: [...disks, { name: claim, file, packing, ...done }] });
    }
    this.#doneBytes += sizeBytes;
  }

  async #download(volume: string, file: string, sizeBytes: number, moved: () => void): Promise<Downloaded> {
    const { link, fetch } = await this.#door();
    const found = link.volumes?.find(({ name }) => name === volume) ?? { name: volume };
    const number = this.#note.disks.length + 1;
    let furthest = 0;
    const options = {
      to: join(this.#partial, file),
      signal: this.#signal,
      progress: (bytes: number): void => {
        if (bytes > furthest) moved();
        furthest = Math.max(furthest, bytes);
        this.#report(
          Math.min(1, (this.#doneBytes + bytes) / Math.max(1, this.#totalBytes)),
          `Disk ${number} of ${link.volumes?.length ?? 1}: ${formatBytes(bytes)} of ${formatBytes(sizeBytes)}.`,
        );
      },
    };
    if (this.#entry.packing === 'gzip') return downloadPacked(fetch, urlOf(found, 'gzip'), sizeBytes, options);
    const { stored } = this.#note;
    return downloadRaw(fetch, urlOf(found, 'raw'), {
      ...options,
      stored: stored?.file === file ? stored : undefined,
      fixedIdentity: this.#unchanging ? this.#note.exportUid : undefined,
      onStored: (now: Stored) => this.#keep({ ...this.#note, stored: { ...now, file } }),
    });
  }

  /** A snapshot does not change, so a download of it can go on though the server names no version of the file. */
  #unchanging = false;

  async #ready(): Promise<VirtualMachineExport> {
    const found = await exportReady(this.#cluster, this.#about, this.#signal, (why) => this.#report(undefined, why));
    this.#unchanging = ofSnapshot(found);
    return found;
  }

  async #door(): Promise<ExportDoor> {
    const found = await this.#ready();
    return openDoor(await this.#cluster.client(this.#signal), found);
  }

  #atDoor<T>(ask: (door: ExportDoor) => Promise<T>): Promise<T> {
    return this.#patiently(async () => ask(await this.#door()));
  }

  #patiently<T>(attempt: (moved: () => void) => Promise<T>): Promise<T> {
    return patiently(this.#cluster.view.server, this.#signal, attempt);
  }

  async #keep(note: ProgressNote): Promise<void> {
    this.#note = note;
    const path = join(this.#partial, progressFile);
    await writeFile(`${path}.new`, JSON.stringify(note), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }
}

/** The volume that KubeVirt keeps the state of a machine's firmware and TPM on: files, and no disk. */
const isState = ({ name, formats = [] }: ExportVolume): boolean => name.includes('persistent-state-for-') && formats.some(({ format }) => format === 'tar.gz');

function urlOf({ name, formats }: ExportVolume, format: 'raw' | 'gzip' | 'tar.gz'): string {
  const url = formats?.find((item) => item.format === format)?.url;
  if (url === undefined) throw new HayloftError('unsupported', `The volume “${name}” holds files and no disk, so it cannot be backed up.`);
  return url;
}

/** The last steps: until then the folder does not have its name. */
async function publish(partial: string, folder: string, index: BackupIndex): Promise<void> {
  await writeFile(join(partial, CHECKSUM_FILE), checksums(index), { mode: 0o600 });
  await writeFile(join(partial, INDEX_FILE), `${JSON.stringify(index, null, 2)}\n`, { mode: 0o600 });
  await rm(join(partial, progressFile), { force: true });
  for (const name of [MANIFEST_FILE, CHECKSUM_FILE, INDEX_FILE, ...[index.objects, index.state].flatMap((kept) => kept?.file ?? [])]) await synced(join(partial, name));
  await synced(partial);
  await rmdir(folder).catch(() => undefined);
  await rename(partial, folder);
  await synced(dirname(folder));
}

async function synced(path: string): Promise<void> {
  // Windows opens no folders.
  const file = await open(path, 'r').catch(() => undefined);
  await file?.sync().catch(() => undefined);
  await file?.close();
}

/** What was made on the cluster goes; where that fails it goes by itself when its time is over. */
async function tidy(cluster: ClusterConnection, about: ExportName): Promise<void> {
  try {
    await removeExport(await cluster.client(), about);
  } catch (error) {
    cluster.warn('The export that was made for a backup could not be removed', { name: about.name, error: asHayloftError(error).message });
  }
}

/** Removes folders that were made for the backup, from the innermost to the outermost, as long as they are empty. */
async function removeEmpty(from: string, to: string): Promise<void> {
  for (let at = from; at.startsWith(to); at = dirname(at)) {
    const gone = await rmdir(at).then(() => true, () => false);
    if (!gone) return;
  }
}

function resultOf(folder: string, { disks }: BackupIndex): string {
  const bytes = disks.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  return `${plural(disks.length, 'disk')}, ${formatBytes(bytes)}, in ${folder}.`;
}
