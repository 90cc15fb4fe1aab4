/**
 * Files on an ISO 9660 disc (ECMA-119, with Rock Ridge's names, IEEE P1282), as far as it takes to tell what the disc is.
 * What a disc says about itself is not believed: no more is read than {@link mostBytes}, and nothing twice.
 */
import { hasText, textAt, u32 } from '../bytes.ts';
import type { ReadRange } from './read-range.ts';

const sector = 2048;
/** A folder or a file is read to here; what lies beyond tells nothing more. */
const mostBytes = 64 * 1024;

interface Entry {
  name: string;
  folder: boolean;
  at: number;
  bytes: number;
}

export interface IsoFiles {
  /** Names in a folder, in lower case; none where it is not there. */
  names(path?: string): Promise<string[]>;
  /** The beginning of a file as text; undefined where it is not there. */
  text(path: string, mostBytes?: number): Promise<string | undefined>;
}

/** @param read of the disc; its descriptors begin in sector 16 */
export async function isoFiles(read: ReadRange): Promise<IsoFiles> {
  const descriptor = await read(16 * sector, sector);
  const isPrimary = descriptor[0] === 1 && hasText(descriptor, 1, 'CD001');
  const root: Entry | undefined = isPrimary ? entryAt(descriptor, 156) : undefined;
  const known = new Map<number, Promise<Entry[]>>();
  const list = (folder: Entry): Promise<Entry[]> => {
    const found = known.get(folder.at) ?? read(folder.at, Math.min(folder.bytes, mostBytes)).then(entriesIn);
    known.set(folder.at, found);
    return found;
  };
  const find = async (path: string): Promise<Entry | undefined> => {
    let entry = root;
    for (const part of path.split('/').filter((name) => name !== '')) {
      if (!entry?.folder) return undefined;
      entry = (await list(entry)).find(({ name }) => name === part);
    }
    return entry;
  };
  return {
    names: async (path = '') => {
      const folder = await find(path);
      return folder?.folder ? (await list(folder)).map(({ name }) => name) : [];
    },
    text: async (path, most = 4096) => {
      const file = await find(path);
      if (!file || file.folder) return undefined;
      return new TextDecoder().decode(await read(file.at, Math.min(file.bytes, most, mostBytes)));
    },
  };
}

/** Records do not cross sectors: a length of 0 means that the next sector goes on. */
function entriesIn(bytes: Uint8Array): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] ?? 0;
    if (length === 0) {
      at = (Math.floor(at / sector) + 1) * sector;
      continue;
    }
    const entry = entryAt(bytes, at);
    if (entry && entry.name !== '\0' && entry.name !== '\x01') entries.push(entry);
    at += length;
  }
  return entries;
}

function entryAt(bytes: Uint8Array, at: number): Entry | undefined {
  const length = bytes[at] ?? 0;
  const nameLength = bytes[at + 32] ?? 0;
  const block = u32(bytes, at + 2);
  const size = u32(bytes, at + 10);
  if (length < 34 || block === undefined || size === undefined) return undefined;
  const afterName = at + 33 + nameLength + (nameLength % 2 === 0 ? 1 : 0);
  const plain = textAt(bytes, at + 33, nameLength).replace(/;\d+$/, '').replace(/\.$/, '');
  const name = rockRidgeName(bytes.subarray(afterName, at + length)) ?? plain;
  return { name: name.toLowerCase(), folder: ((bytes[at + 25] ?? 0) & 2) !== 0, at: block * sector, bytes: size };
}

/** The name in a record's system use fields, which may be in several. */
function rockRidgeName(fields: Uint8Array): string | undefined {
  let name: string | undefined;
  for (let at = 0; at + 4 <= fields.length; ) {
    const length = fields[at + 2] ?? 0;
    if (length < 4) break;
    if (hasText(fields, at, 'NM') && length > 5) name = (name ?? '') + textAt(fields, at + 5, length - 5);
    at += length;
  }
  return name;
}
