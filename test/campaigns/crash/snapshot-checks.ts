/** Whether snapshots, restores and clones came to an end and left nothing behind. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { VirtualMachineClone } from '#shared/kube/clone.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { VirtualMachineRestore, VirtualMachineSnapshot, VirtualMachineSnapshotContent, VolumeSnapshot } from '#shared/kube/snapshot.ts';
import type { RigEngine } from '../../rig/engine.ts';
import type { Seen } from './checks.ts';
import { baseOf, chainOf } from './layers.ts';
import { claims, clones, contents, paths, restores, volumeSnapshots, type World } from './world.ts';

export interface SnapshotsSeen {
  snapshots: VirtualMachineSnapshot[];
  contents: VirtualMachineSnapshotContent[];
  restores: VirtualMachineRestore[];
  clones: VirtualMachineClone[];
  volumeSnapshots: VolumeSnapshot[];
}

type List = <T>(path: string) => Promise<T[]>;
export const layerOf = ({ metadata }: VolumeSnapshot): string => metadata.annotations?.['hayloft.io/disk-layer'] ?? '';
export const filesFolder = (dataDir: string): string => join(dataDir, 'disks', 'default');

export async function seeSnapshots(list: List): Promise<SnapshotsSeen> {
  return {
    snapshots: await list(paths.snapshot),
    contents: await list(contents),
    restores: await list(restores),
    clones: await list(clones),
    volumeSnapshots: await list(volumeSnapshots),
  };
}

export const listOf = async <T>(engine: RigEngine, path: string): Promise<T[]> => (await engine.api('GET', path)).json<{ items?: T[] }>().items ?? [];

export function checkSnapshots(world: World, seen: SnapshotsSeen & Pick<Seen, 'machines'>): string[] {
  const isThere = (name: string | undefined): boolean => seen.machines.some(({ metadata }) => metadata.name === name);
  const problems: string[] = [];
  for (const { metadata, spec, status } of seen.snapshots) {
    const name = metadata.name ?? '';
    if (!world.named('snapshot', name)) problems.push(`the snapshot ${name} is left over`);
    // Until there is such a machine.
    else if (status?.phase !== 'Succeeded' && status?.phase !== 'Failed' && isThere(spec.source.name)) {
      problems.push(`the snapshot ${name} stays ${status?.phase ?? 'new'}: ${JSON.stringify(status?.error ?? status?.conditions)}`);
    }
    if (metadata.deletionTimestamp !== undefined) problems.push(`the snapshot ${name} is still going`);
  }
  for (const { metadata, spec } of seen.contents) {
    if (!seen.snapshots.some((snapshot) => snapshot.metadata.name === spec.virtualMachineSnapshotName)) problems.push(`the content ${metadata.name ?? ''} belongs to no snapshot`);
  }
  for (const { metadata } of seen.volumeSnapshots) {
    const owner = metadata.ownerReferences?.[0]?.uid;
    if (!seen.contents.some((content) => content.metadata.uid === owner)) problems.push(`the volume snapshot ${metadata.name ?? ''} belongs to no content`);
  }
  for (const { metadata, status } of seen.restores) {
    const name = metadata.name ?? '';
    if (!world.restores.has(name)) problems.push(`the restore ${name} is left over`);
    else if (!isRestoreOver(status)) problems.push(`the restore ${name} does not end: ${JSON.stringify(status?.conditions)}`);
  }
  for (const { metadata, status } of seen.clones) {
    if (!['Succeeded', 'Failed'].includes(status?.phase ?? '')) problems.push(`the clone ${metadata.name ?? ''} stays ${status?.phase ?? 'new'}`);
  }
  return problems;
}

export const isRestoreOver = (status: VirtualMachineRestore['status']): boolean =>
  status?.complete === true || status?.conditions?.some((condition) => condition.type === 'Failure' && condition.status === 'True') === true;

/** The file that is written to: the claim's last. */
export function topFile(names: readonly string[], uid: string): string | undefined {
  const generation = (name: string): number => Number(/^[^.]+\.(\d+)\./.exec(name)?.[1] ?? 0);
  return names.filter((name) => name.startsWith(`${uid}.`) && /\.(raw|qcow2)$/.test(name)).sort((a, b) => generation(b) - generation(a))[0];
}

/** What claims and snapshots consist of, and which of it is not there. */
export function neededFiles(folder: string, names: readonly string[], pvcs: readonly PersistentVolumeClaim[], held: readonly VolumeSnapshot[]): { files: Set<string>; problems: string[] } {
  const tops = [...pvcs.flatMap(({ metadata }) => topFile(names, metadata.uid ?? '') ?? []), ...held.map(layerOf)];
  const problems: string[] = [];
  const files = tops.flatMap((name) => {
    try {
      return chainOf(join(folder, name)).map((path) => path.slice(folder.length + 1));
    } catch (error) {
      problems.push(`the file ${name}, or one below it, is missing: ${String(error)}`);
      return [name];
    }
  });
  return { files: new Set(files), problems };
}

/** Files that nobody needs for themselves, and that could be merged: what deleted snapshots left. */
export async function unmerged(engine: RigEngine): Promise<string[]> {
  const folder = filesFolder(engine.dataDir);
  const names = (existsSync(folder) ? readdirSync(folder) : []).filter((name) => /\.(raw|qcow2)$/.test(name));
  const pvcs = await listOf<PersistentVolumeClaim>(engine, claims);
  const held = await listOf<VolumeSnapshot>(engine, volumeSnapshots);
  const tops = new Set([...pvcs.map(({ metadata }) => topFile(names, metadata.uid ?? '')), ...held.map(layerOf)]);
  const bases = names.flatMap((name) => baseOf(join(folder, name))?.slice(folder.length + 1) ?? []);
  return names.filter((name) => !tops.has(name) && bases.filter((base) => base === name).length === 1).map((name) => `the file ${name} is not merged into the one above it`);
}
