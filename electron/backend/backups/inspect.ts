/** Looking into backups: what there is, what one holds, and whether its files are as they were written. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backup, FileState } from '#shared/contract/backups.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { CHECKSUM_FILE, MANIFEST_FILE, readIndex, type BackupIndex } from './layout.ts';
import { readManifests, type Manifests } from './manifests.ts';

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
    needs: needsOf(machine),
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

/** Secrets and ConfigMaps that the machine reads, which a backup does not hold. */
function needsOf({ spec }: VirtualMachine): Backup['needs'] {
  const { volumes = [], accessCredentials = [] } = spec.template.spec;
  const secrets = [
    ...volumes.flatMap(({ cloudInitNoCloud, cloudInitConfigDrive, sysprep, secret }) => [
      cloudInitNoCloud?.secretRef?.name,
      cloudInitNoCloud?.networkDataSecretRef?.name,
      cloudInitConfigDrive?.secretRef?.name,
      cloudInitConfigDrive?.networkDataSecretRef?.name,
      sysprep?.secret?.name,
      secret?.secretName,
    ]),
    ...accessCredentials.flatMap(({ sshPublicKey, userPassword }) => [sshPublicKey?.source.secret?.secretName, userPassword?.source.secret?.secretName]),
  ];
  const configMaps = volumes.flatMap(({ configMap, sysprep }) => [configMap?.name, sysprep?.configMap?.name]);
  const named = (kind: 'Secret' | 'ConfigMap', names: (string | undefined)[]): Backup['needs'] =>
    [...new Set(names.filter((name) => name !== undefined))].map((name) => ({ kind, name }));
  return [...named('Secret', secrets), ...named('ConfigMap', configMaps)];
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
