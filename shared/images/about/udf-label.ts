/** The volume's name of a UDF disc (ECMA-167): the anchor in sector 256 leads to the descriptors that have it. */
import { u16, u32 } from '../bytes.ts';
import type { ReadRange } from './read-range.ts';

const sector = 2048;
const anchorSector = 256;
const mostDescriptors = 32;
const anchorTag = 2;
const primaryTag = 1;
const logicalTag = 6;
const terminatingTag = 8;

/** @returns undefined where there is none */
export async function udfLabel(read: ReadRange): Promise<string | undefined> {
  const anchor = await read(anchorSector * sector, 512);
  if (u16(anchor, 0) !== anchorTag) return undefined;
  const sectors = Math.min(Math.floor((u32(anchor, 16) ?? 0) / sector), mostDescriptors);
  const bytes = await read((u32(anchor, 20) ?? 0) * sector, sectors * sector);
  let primary: string | undefined;
  for (let at = 0; at + sector <= bytes.length; at += sector) {
    const tag = u16(bytes, at);
    if (tag === terminatingTag) break;
    if (tag === logicalTag) return dstring(bytes.subarray(at + 84, at + 84 + 128)) ?? primary;
    if (tag === primaryTag) primary = dstring(bytes.subarray(at + 24, at + 24 + 32));
  }
  return primary;
}

/** OSTA's compressed Unicode in a field whose last byte is its length: 8 tells of bytes, 16 of pairs of them. */
function dstring(field: Uint8Array): string | undefined {
  const text = field.subarray(1, field.at(-1) ?? 0);
  const label = field[0] === 16 ? new TextDecoder('utf-16be').decode(text) : String.fromCharCode(...text);
  return label.trim() === '' ? undefined : label.trim();
}
