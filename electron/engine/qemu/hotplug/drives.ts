/** The drives a guest has now, as QEMU tells them: after any restart, this is what is known of them. */
import { deviceId } from '../argv/disks.ts';
import { pathIn } from '../../snapshots/live-disks.ts';
import type { Monitor } from '../types.ts';

export interface DriveState {
  /** Name of the block node in it; undefined: no medium. */
  node: string | undefined;
  trayOpen: boolean;
}

export interface Drives {
  /** The drive of the disk with this name, while the guest has it. */
  of(diskName: string): DriveState | undefined;
  /** Whether there is a block node of this name, in a drive or not. */
  hasNode(name: string): boolean;
  /** A disk's own node and those that snapshots have put over it, which are called after it; the topmost first. */
  nodesOf(name: string): string[];
}

/** QMP's BlockInfo (`query-block`), as far as it is looked at. */
interface BlockInfo {
  qdev?: string;
  tray_open?: boolean;
  inserted?: { 'node-name'?: string; file?: string };
  'io-status'?: 'ok' | 'failed' | 'nospace';
}

export async function drivesOf(monitor: Monitor): Promise<Drives> {
  const [blocks, nodes] = await Promise.all([
    monitor.command('query-block') as Promise<BlockInfo[]>,
    monitor.command('query-named-block-nodes', { flat: true }) as Promise<{ 'node-name': string }[]>,
  ]);
  const names = new Set(nodes.map((node) => node['node-name']));
  const drives = new Map(
    blocks.map((block) => [idOf(block.qdev ?? ''), { node: block.inserted?.['node-name'], trayOpen: block.tray_open === true }]),
  );
  return { of: (diskName) => drives.get(deviceId(diskName)), hasNode: (name) => names.has(name), nodesOf: (name) => stackOf(names, name) };
}

/** The disks that the host had no room for when they were last written, with the files behind them. */
export async function fullDrives(monitor: Monitor): Promise<{ diskName: string; path: string }[]> {
  const blocks = (await monitor.command('query-block')) as BlockInfo[];
  return blocks.flatMap((block) => {
    const path = pathIn(block.inserted?.file ?? '');
    const id = idOf(block.qdev ?? '');
    if (block['io-status'] !== 'nospace' || path === undefined || path === '' || !id.startsWith(deviceId(''))) return [];
    return [{ diskName: id.slice(deviceId('').length), path }];
  });
}

const stackOf = (names: ReadonlySet<string>, name: string): string[] => {
  const layer = (text: string): number => (text === name ? 0 : Number(text.slice(name.length + 1)));
  return [...names].filter((text) => text === name || text.startsWith(`${name}.`)).sort((a, b) => layer(b) - layer(a));
};

/** A virtio disk is told by the path of what is inside it: `/machine/peripheral/ID/virtio-backend`. */
const idOf = (qdev: string): string => /^\/machine\/peripheral\/([^/]+)/.exec(qdev)?.[1] ?? qdev;
