/**
 * The smallest guest with manners: a boot sector that powers off when the ACPI power button is pressed, and takes keys:
 * `q` powers off, `r` resets, `p` tells a panic to QEMU's pvpanic device. It prints a B on the first serial line
 * whenever it boots, and sleeps between timer ticks. It boots in a fraction of a second, even when emulated.
 */
import { writeFileSync } from 'node:fs';
import { cached } from './cache.ts';

/** Real-mode code for 0x7c00. Ports: QEMU's q35 and pc with SeaBIOS have ACPI's PM1 block at 0x600. */
const code =
  '31c08ed8' + // DS = 0
  'baf803b042ee' + // out 0x3f8, 'B'
  'ba0206b80001ef' + // PM1_EN: power button
  'fbf4' + // loop: sti; hlt
  'ba0006edf6c4017518' + // PM1_STS: pressed → off
  'b401cd1674ef' + // no key → loop
  'b400cd16' + // read it
  '3c71740a' + // q → off
  '3c727410' + // r → reset
  '3c707418' + // p → panic
  'ebdd' + // loop
  'ba0406b80020eff4ebfd' + // off: PM1_CNT: S5
  'baf90cb002eeb006eef4ebfd' + // reset: port 0xcf9
  'ba0505b001eeebbf'; // panic: port 0x505; loop

export function powerDisk(): string {
  return cached({
    name: 'power-disk.raw',
    script: import.meta.filename,
    inputs: [],
    build: (_work, result) => {
      const disk = Buffer.alloc(1024 * 1024);
      Buffer.from(code, 'hex').copy(disk);
      // One partition, so that it is recognized as what it is.
      disk.writeUInt8(0x83, 446 + 4);
      disk.writeUInt32LE(1, 446 + 8);
      disk.writeUInt32LE(2047, 446 + 12);
      disk.writeUInt16LE(0xaa55, 510);
      writeFileSync(result, disk);
    },
  });
}
