/** The size of a Hyper-V disk (MS-VHDX): its region table leads to the metadata, which has it. */
import { hasText, u16, u32, u64 } from '../bytes.ts';
import type { ReadRange } from './read-range.ts';

const regionTables = 192 * 1024;
const mostEntries = 64;
/** GUIDs as they lie in the file. */
const metadataRegion = '06a27c8b90479a4bb8fe575f050f886e';
const diskSizeItem = '2442a52f1bcd7648b2115dbed83bf4b8';

/** @returns in bytes; undefined where it cannot be found */
export async function vhdxSize(read: ReadRange): Promise<number | undefined> {
  const regions = await read(regionTables, 16 + mostEntries * 32);
  if (!hasText(regions, 0, 'regi')) return undefined;
  const region = find(regions, { from: 16, count: u32(regions, 8) ?? 0, guid: metadataRegion });
  const at = region === undefined ? undefined : u64(regions, region + 16);
  if (at === undefined) return undefined;
  const metadata = await read(at, 32 + mostEntries * 32);
  if (!hasText(metadata, 0, 'metadata')) return undefined;
  const item = find(metadata, { from: 32, count: u16(metadata, 10) ?? 0, guid: diskSizeItem });
  const offset = item === undefined ? undefined : u32(metadata, item + 16);
  return offset === undefined ? undefined : u64(await read(at + offset, 8), 0);
}

function find(table: Uint8Array, { from, count, guid }: { from: number; count: number; guid: string }): number | undefined {
  for (let entry = 0; entry < Math.min(count, mostEntries); entry++) {
    const at = from + entry * 32;
    const found = Array.from(table.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
    if (found === guid) return at;
  }
  return undefined;
}
