/** The disks of a running guest as its QEMU has them open: nobody else knows for certain. */
import type { Monitor } from '../qemu/types.ts';

export interface OpenDisk {
  /** Name of the topmost block node: what the guest writes to. */
  node: string;
  /** Absolute path of its file. */
  path: string;
  readOnly: boolean;
  cacheDirect: boolean;
  detectZeroes: string;
}

/** QMP's BlockInfo (`query-block`), as far as it is looked at. */
interface BlockInfo {
  qdev?: string;
  inserted?: { 'node-name'?: string; file: string; ro: boolean; cache?: { direct?: boolean }; detect_zeroes?: string };
}

/** @returns the disk of this name in the guest's spec; undefined when it has none, or no medium in it */
export async function openDisk(monitor: Monitor, diskName: string): Promise<OpenDisk | undefined> {
  const blocks = (await monitor.command('query-block')) as BlockInfo[];
  const inserted = blocks.find(({ qdev }) => idOf(qdev ?? '') === `disk-${diskName}`)?.inserted;
  const path = inserted === undefined ? undefined : pathIn(inserted.file);
  if (inserted?.['node-name'] === undefined || path === undefined) return undefined;
  return {
    node: inserted['node-name'],
    path,
    readOnly: inserted.ro,
    cacheDirect: inserted.cache?.direct === true,
    detectZeroes: inserted.detect_zeroes ?? 'off',
  };
}

/** A virtio disk is told by the path of what is inside it: `/machine/peripheral/ID/virtio-backend`. */
const idOf = (qdev: string): string => /^\/machine\/peripheral\/([^/]+)/.exec(qdev)?.[1] ?? qdev;

interface NodeReference {
  filename?: string;
  file?: NodeReference;
}

/** The file in QEMU's description of a node: a path, or `json:` and the options that it was opened with. */
export function pathIn(text: string): string | undefined {
  if (!text.startsWith('json:')) return text;
  let node = JSON.parse(text.slice('json:'.length)) as NodeReference;
  while (node.file !== undefined) node = node.file;
  return node.filename;
}

/** The node that has this file open, whether or not a drive is on it; undefined when none has. */
export async function nodeOf(monitor: Monitor, path: string): Promise<string | undefined> {
  const nodes = (await monitor.command('query-named-block-nodes', { flat: true })) as { 'node-name': string; drv: string; file: string }[];
  return nodes.find((node) => node.drv !== 'file' && pathIn(node.file) === path)?.['node-name'];
}
