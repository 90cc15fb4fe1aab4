/**
 * Writes a small data disc (ISO 9660 with Rock Ridge and Joliet), as cloud-init's and Windows' seeds are read from.
 * Source: ECMA-119, RRIP 1991A, the Joliet specification. In memory, for seeds are some kilobytes.
 */
import { filesOf, foldersOf, treeOf, type DiscFile, type DiscFolder } from './entries.ts';
import { both16, both32, directory, joliet, pathTable, rockRidge, rootRecord, sectorsFor, sectorSize, type Naming, type Place } from './records.ts';

export interface DiscPlan {
  /** The volume's name, by which guests find it: at most 32 characters. */
  label: string;
  /** By path, with `/` between folders. */
  files: ReadonlyMap<string, Uint8Array>;
}

const systemAreaSectors = 16;
/** Two volumes (one a directory) and the end of the list. */
const descriptorSectors = 3;

/** One of the disc's two directories, laid out. */
interface Volume {
  naming: Naming;
  folders: readonly DiscFolder[];
  places: Map<DiscFolder, Place>;
  tableBytes: number;
  littleTable: number;
  bigTable: number;
}

/**
 * @returns the image, a whole number of 2048-byte sectors
 * @throws Error when a file's name is too long
 */
export function makeDisc({ label, files }: DiscPlan, when: Date): Buffer {
  const root = treeOf(files);
  let next = systemAreaSectors + descriptorSectors;
  const take = (bytes: number): number => {
    const sector = next;
    next += sectorsFor(bytes);
    return sector;
  };
  const volumes = [rockRidge, joliet].map((naming) => layOut(root, naming, take, when));
  for (const file of filesOf(root)) file.sector = take(file.content.length);

  const image = Buffer.alloc(next * sectorSize);
  const put = (sector: number, bytes: Uint8Array): void => image.set(bytes, sector * sectorSize);
  volumes.forEach((volume, index) => {
    put(systemAreaSectors + index, descriptor({ volume, root, label, sectors: next, when }));
    const placeOf = placesIn(volume);
    put(volume.littleTable, pathTable(volume.folders, volume.naming, placeOf, false));
    put(volume.bigTable, pathTable(volume.folders, volume.naming, placeOf, true));
    for (const folder of volume.folders) put(placeOf(folder).sector, directory(folder, volume.naming, placeOf, when));
  });
  put(systemAreaSectors + 2, Buffer.concat([Buffer.from([255]), standardId]));
  for (const file of filesOf(root)) put(file.sector, file.content);
  return image;
}

function layOut(root: DiscFolder, naming: Naming, take: (bytes: number) => number, when: Date): Volume {
  const folders = foldersOf(root);
  const nowhere: Place = { sector: 0, size: 0 };
  const tableBytes = pathTable(folders, naming, () => nowhere, false).length;
  const [littleTable, bigTable] = [take(tableBytes), take(tableBytes)];
  // How long a directory is does not depend on where anything lies.
  const sizes = folders.map((folder) => directory(folder, naming, () => nowhere, when).length);
  const places = new Map(folders.map((folder, index) => [folder, { sector: take(sizes[index] ?? 0), size: sizes[index] ?? 0 }]));
  return { naming, folders, places, tableBytes, littleTable, bigTable };
}

const placesIn = ({ places }: Volume) => (entry: DiscFile | DiscFolder): Place =>
  entry.kind === 'file' ? { sector: entry.sector, size: entry.content.length } : (places.get(entry) ?? { sector: 0, size: 0 });

const standardId = Buffer.from('CD001\u0001');

interface Described {
  volume: Volume;
  root: DiscFolder;
  label: string;
  sectors: number;
  when: Date;
}

/** ECMA-119 8.4 and 8.5: the same fields for both volumes, texts in their own alphabets. */
function descriptor({ volume, root, label, sectors, when }: Described): Buffer {
  const isJoliet = volume.naming === joliet;
  const text = (value: string, bytes: number): Buffer => {
    if (!isJoliet) return Buffer.from(value.padEnd(bytes).slice(0, bytes));
    return Buffer.from(value.padEnd(bytes / 2).slice(0, bytes / 2), 'utf16le').swap16();
  };
  const uint32 = (value: number, bigEndian: boolean): Buffer => {
    const bytes = Buffer.alloc(4);
    if (bigEndian) bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  };
  const made = Buffer.concat([Buffer.from(when.toISOString().replaceAll(/\D/g, '').slice(0, 16)), Buffer.from([0])]);
  const never = Buffer.concat([Buffer.from('0'.repeat(16)), Buffer.from([0])]);
  return Buffer.concat(
    [
      Buffer.from([isJoliet ? 2 : 1]),
      standardId,
      Buffer.alloc(1),
      text('LINUX', 32),
      text(label, 32),
      Buffer.alloc(8),
      both32(sectors),
      // Joliet level 3: UCS-2.
      Buffer.concat([Buffer.from(isJoliet ? '%/E' : '')], 32),
      both16(1),
      both16(1),
      both16(sectorSize),
      both32(volume.tableBytes),
      uint32(volume.littleTable, false),
      uint32(0, false),
      uint32(volume.bigTable, true),
      uint32(0, true),
      rootRecord(placesIn(volume)(root), when),
      text('', 128),
      text('', 128),
      text('', 128),
      text('HAYLOFT', 128),
      isJoliet ? Buffer.concat([text('', 36), Buffer.alloc(1)]) : text('', 37),
      isJoliet ? Buffer.concat([text('', 36), Buffer.alloc(1)]) : text('', 37),
      isJoliet ? Buffer.concat([text('', 36), Buffer.alloc(1)]) : text('', 37),
      made,
      made,
      never,
      never,
      Buffer.from([1]),
    ],
    sectorSize,
  );
}
