/** Directories of a disc: records with Rock Ridge (RRIP 1991A over SUSP 1.10) in the plain one, Joliet names in the other. */
import type { DiscFile, DiscFolder } from './entries.ts';

export const sectorSize = 2048;

export const sectorsFor = (bytes: number): number => Math.ceil(bytes / sectorSize);

/** One of the two directories: how it calls entries, and what it adds to their records. */
export interface Naming {
  identifier(entry: DiscFile | DiscFolder): Buffer;
  extras(entry: DiscFile | DiscFolder): Buffer;
  /** Added to the root's own record alone. */
  rootExtras: Buffer;
  /** Added to the records of a folder itself and of its parent. */
  dotExtras: Buffer;
}

export const both16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
};

export const both32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(value, 0);
  bytes.writeUInt32BE(value, 4);
  return bytes;
};

const fileMode = 0o100444;
const folderMode = 0o40555;

/** One field of the System Use Sharing Protocol. */
const susp = (signature: string, ...data: Buffer[]): Buffer => {
  const body = Buffer.concat(data);
  return Buffer.concat([Buffer.from(signature), Buffer.from([body.length + 4, 1]), body]);
};
const posix = (mode: number): Buffer => susp('PX', both32(mode), both32(1), both32(0), both32(0));

export const rockRidge: Naming = {
  identifier: ({ plainName }) => Buffer.from(plainName),
  extras: (entry) =>
    Buffer.concat([posix(entry.kind === 'folder' ? folderMode : fileMode), susp('NM', Buffer.from([0]), Buffer.from(entry.name))]),
  // That there are such fields at all, and which.
  rootExtras: Buffer.concat([
    susp('SP', Buffer.from([0xbe, 0xef, 0])),
    susp('ER', Buffer.from(['RRIP_1991A'.length, 0, 0, 1]), Buffer.from('RRIP_1991A')),
  ]),
  dotExtras: posix(folderMode),
};

const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
/** Joliet takes 64 characters; all readers know 103, which is where they agree to stop. */
const longestJoliet = 103;

export const joliet: Naming = {
  identifier: (entry) => utf16be(entry.name.replaceAll(/[*/:;?\\]/g, '_').slice(0, longestJoliet) + (entry.kind === 'file' ? ';1' : '')),
  extras: () => Buffer.alloc(0),
  rootExtras: Buffer.alloc(0),
  dotExtras: Buffer.alloc(0),
};

export interface Place {
  sector: number;
  /** Bytes, a whole number of sectors for folders. */
  size: number;
}

const self = Buffer.from([0]);
const parent = Buffer.from([1]);

/** The root's record as a volume descriptor holds it. */
export const rootRecord = (place: Place, when: Date): Buffer => record(self, place, true, Buffer.alloc(0), when);

/** A folder's whole content. Records do not cross from one sector into the next. */
export function directory(folder: DiscFolder, naming: Naming, placeOf: (entry: DiscFile | DiscFolder) => Place, when: Date): Buffer {
  const above = folder.parent ?? folder;
  const own = folder.parent ? naming.dotExtras : Buffer.concat([naming.rootExtras, naming.dotExtras]);
  const records = [
    record(self, placeOf(folder), true, own, when),
    record(parent, placeOf(above), true, naming.dotExtras, when),
    ...folder.entries
      .map((entry) => ({ entry, identifier: naming.identifier(entry) }))
      .sort((a, b) => Buffer.compare(a.identifier, b.identifier))
      .map(({ entry, identifier }) => record(identifier, placeOf(entry), entry.kind === 'folder', naming.extras(entry), when)),
  ];
  const sectors: Buffer[] = [];
  let current: Buffer[] = [];
  let used = 0;
  const close = (): void => {
    sectors.push(...current, Buffer.alloc(sectorSize - used));
    current = [];
    used = 0;
  };
  for (const bytes of records) {
    if (used + bytes.length > sectorSize) close();
    current.push(bytes);
    used += bytes.length;
  }
  close();
  return Buffer.concat(sectors);
}

function record(identifier: Buffer, { sector, size }: Place, isFolder: boolean, extras: Buffer, when: Date): Buffer {
  const padding = identifier.length % 2 === 0 ? 1 : 0;
  const bare = 33 + identifier.length + padding + extras.length;
  const length = bare + (bare % 2);
  return Buffer.concat(
    [
      Buffer.from([length, 0]),
      both32(sector),
      both32(size),
      Buffer.from([when.getUTCFullYear() - 1900, when.getUTCMonth() + 1, when.getUTCDate(), when.getUTCHours(), when.getUTCMinutes(), when.getUTCSeconds(), 0]),
      Buffer.from([isFolder ? 2 : 0, 0, 0]),
      both16(1),
      Buffer.from([identifier.length]),
      identifier,
      Buffer.alloc(padding),
      extras,
    ],
    length,
  );
}

/** A path table: every folder with its parent's number. Its folders are in {@link foldersOf}'s order. */
export function pathTable(folders: readonly DiscFolder[], naming: Naming, placeOf: (folder: DiscFolder) => Place, bigEndian: boolean): Buffer {
  return Buffer.concat(
    folders.map((folder) => {
      const identifier = folder.parent ? naming.identifier(folder) : self;
      const bytes = Buffer.alloc(8 + identifier.length + (identifier.length % 2));
      const number = folder.parent ? folders.indexOf(folder.parent) + 1 : 1;
      bytes[0] = identifier.length;
      if (bigEndian) {
        bytes.writeUInt32BE(placeOf(folder).sector, 2);
        bytes.writeUInt16BE(number, 6);
      } else {
        bytes.writeUInt32LE(placeOf(folder).sector, 2);
        bytes.writeUInt16LE(number, 6);
      }
      identifier.copy(bytes, 8);
      return bytes;
    }),
  );
}
