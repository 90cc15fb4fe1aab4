/** How the Debian test disk is divided: a partition that both kinds of firmware start from, and the root after it. */

const SECTOR = 512;
const MIB = 2 ** 20;

export const DISK_BYTES = 2048 * MIB;
export const ESP_OFFSET = MIB;
export const ESP_BYTES = 96 * MIB;
export const ROOT_OFFSET = ESP_OFFSET + ESP_BYTES;
export const ROOT_BYTES = DISK_BYTES - ROOT_OFFSET;

/** Where the table and the signatures are in a disk's first sector. */
const signatureAt = 440;
const tableAt = 446;

/** By it the kernel knows the partitions (`PARTUUID`); any number will do. */
const diskSignature = 0x10f7deb1;

/** What the kernel calls the root partition. */
export const ROOT_PARTUUID = `${diskSignature.toString(16)}-02`;

/** The first sector: the boot code given (at most 440 bytes) and a table of two partitions. */
export function partitionedStart(bootCode: Uint8Array): Buffer {
  const sector = Buffer.alloc(SECTOR);
  sector.set(bootCode.subarray(0, signatureAt), 0);
  sector.writeUInt32LE(diskSignature, signatureAt);
  entry(sector, 0, { active: true, type: 0xef, offset: ESP_OFFSET, bytes: ESP_BYTES });
  entry(sector, 1, { active: false, type: 0x83, offset: ROOT_OFFSET, bytes: ROOT_BYTES });
  sector.writeUInt16LE(0xaa55, SECTOR - 2);
  return sector;
}

interface Partition {
  active: boolean;
  type: number;
  offset: number;
  bytes: number;
}

function entry(sector: Buffer, index: number, { active, type, offset, bytes }: Partition): void {
  const at = tableAt + 16 * index;
  sector.writeUInt8(active ? 0x80 : 0, at);
  // Cylinders, heads and sectors that say: too large for this, use the numbers below.
  sector.set([0xfe, 0xff, 0xff], at + 1);
  sector.writeUInt8(type, at + 4);
  sector.set([0xfe, 0xff, 0xff], at + 5);
  sector.writeUInt32LE(offset / SECTOR, at + 8);
  sector.writeUInt32LE(bytes / SECTOR, at + 12);
}
