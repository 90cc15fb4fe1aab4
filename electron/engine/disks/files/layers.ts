/**
 * Disks made of layers: a file that is only the changes to another one, its base, which nobody writes to any more.
 * A snapshot is a base that is held; a restored disk or a clone is a new file over the same base. What is based on
 * what is read off the files themselves, so that it is true after any end of the engine.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DiskFormat } from '../types.ts';
import { readQcow2Header } from './qcow2-header.ts';

const fileName = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\.(\d+))?\.(qcow2|raw)$/;

/** A note beside a file that another one is taking in: it may go as soon as nothing is based on it (see snapshots/merge/absorbed.ts). */
export const ABSORBED_SUFFIX = '.absorbed';

export interface LayerName {
  /** The claim that the file was made for. */
  uid: string;
  /** Counts up with each snapshot; the claim's highest is the one that is written to. */
  generation: number;
  format: DiskFormat;
}

/** What a file's name says; undefined for files that are no claim's. */
export function parseLayerName(path: string): LayerName | undefined {
  const [, uid, generation = '0', format] = fileName.exec(basename(path)) ?? [];
  return uid === undefined ? undefined : { uid, generation: Number(generation), format: format as DiskFormat };
}

export const layerFileName = ({ uid, generation, format }: LayerName): string =>
  generation === 0 ? `${uid}.${format}` : `${uid}.${generation}.${format}`;

/** The claim's files in a folder, the one that is written to first. */
export function layersOf(folder: string, uid: string): string[] {
  return namesIn(folder)
    .flatMap((name) => {
      const parsed = name.startsWith(uid) ? parseLayerName(name) : undefined;
      return parsed ? [{ name, generation: parsed.generation }] : [];
    })
    .sort((a, b) => b.generation - a.generation)
    .map(({ name }) => join(folder, name));
}

/** What the file is based on; undefined when it is whole by itself. */
export function baseOf(path: string): string | undefined {
  const backing = path.endsWith('.raw') ? undefined : readQcow2Header(path)?.backingFile;
  return backing === undefined ? undefined : resolve(dirname(path), backing);
}

/** The file, its base, the base's base, down to the one that is whole. */
export function chainOf(path: string): string[] {
  const chain: string[] = [];
  for (let next: string | undefined = path; next !== undefined && !chain.includes(next); next = baseOf(next)) chain.push(next);
  return chain;
}

/** For each file of a folder that others are based on: those others. */
export function dependentsIn(folder: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    // What is still being made counts, too.
    const base = baseOf(path);
    if (base !== undefined) found.set(base, [...(found.get(base) ?? []), path]);
  }
  return found;
}

/**
 * Removes files, and whatever only they were based on. What something else is based on stays, and what is needed.
 * The deepest goes first: an end in the middle leaves the way to the rest.
 * @param isNeeded whether somebody uses the file itself
 * @returns what was removed
 */
export function release(paths: readonly string[], isNeeded: (path: string) => boolean): string[] {
  const candidates = new Set(paths.flatMap(chainOf).filter((path) => parseLayerName(path) && !isNeeded(path)));
  const dependents = new Map([...new Set([...candidates].map(dirname))].flatMap((folder) => [...dependentsIn(folder)]));
  for (let size = -1; size !== candidates.size; ) {
    size = candidates.size;
    for (const path of candidates) {
      if (dependents.get(path)?.some((other) => !candidates.has(other))) candidates.delete(path);
    }
  }
  const deepestFirst = [...candidates].sort((a, b) => chainOf(a).length - chainOf(b).length);
  for (const path of deepestFirst) rmSync(path, { force: true });
  return deepestFirst;
}

/** Bytes that the file and all it is based on take on the host's disk. */
export const allocatedIn = (chain: readonly string[]): number =>
  chain.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512, 0);

/** Names in a folder; none where it is no folder or not there. */
export function namesIn(folder: string): string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
}
