/** How a raw disk boots, as far as its partition table tells. */
import { hasText, u16, u32, u64 } from '../bytes.ts';
import type { Firmware } from '../finding.ts';
import type { ReadRange } from './read-range.ts';

const efiSystem = '28732ac11ff8d211ba4b00a0c93ec93b';
const biosBoot = '4861682149646f6e744e656564454649';
const mostEntries = 128;
const tableBytes = 16 * 1024;

/** @returns none where it does not boot, or does not tell */
export async function diskBoots(read: ReadRange): Promise<Firmware[]> {
  const head = await read(0, 8192);
  for (const block of [512, 4096]) {
    if (hasText(head, block, 'EFI PART')) return gptBoots(head, block, read);
  }
  if (u16(head, 510) !== 0xaa55) return [];
  const entries = [446, 462, 478, 494];
  const found = new Set<Firmware>();
  if (entries.some((at) => head[at] === 0x80)) found.add('bios');
  if (entries.some((at) => head[at + 4] === 0xef)) found.add('uefi');
  return [...found];
}

async function gptBoots(head: Uint8Array, block: number, read: ReadRange): Promise<Firmware[]> {
  const size = Math.max(128, u32(head, block + 84) ?? 128);
  const count = Math.min(u32(head, block + 80) ?? 0, mostEntries);
  const table = await read((u64(head, block + 72) ?? 2) * block, Math.min(count * size, tableBytes));
  const types = new Set<string>();
  for (let at = 0; at + 16 <= table.length; at += size) types.add(Array.from(table.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, '0')).join(''));
  const boots: Firmware[] = [];
  // Boot code in the first block has a place of its own on such a disk.
  if (types.has(biosBoot)) boots.push('bios');
  if (types.has(efiSystem)) boots.push('uefi');
  return boots;
}
