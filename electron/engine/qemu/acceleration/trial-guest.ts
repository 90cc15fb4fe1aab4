/**
 * The smallest guest that proves something: firmware loads a boot sector, which does what every system does when it
 * starts, and then ends QEMU with a code of our choice. Opening /dev/kvm proves nothing: there are hosts where it
 * opens, firmware crawls, and guests die as soon as they turn on paging or use a vector register.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { complaintIn, isAlive, qemuProcessesUsing } from '../guest/process.ts';
import type { Accelerator } from '../types.ts';

export interface TrialResult {
  works: boolean;
  /** What QEMU said, or what was seen, when it does not. */
  problem: string;
}

/** A host that needs longer than this for a few thousand instructions is not accelerated. */
const limitMs = 5000;
/** The boot sector writes 0x10 to this port; isa-debug-exit ends QEMU with (value << 1) | 1. */
const exitPort = 0xf4;
const expectedExitCode = (0x10 << 1) | 1;

/**
 * Runs the guest once. Never throws for what QEMU does: not being able to is a result, too.
 * @param workDir where its disk may lie for the moment; made if missing
 */
export async function tryGuest(qemu: string, accelerator: Accelerator, cpuModel: string, workDir: string): Promise<TrialResult> {
  mkdirSync(workDir, { recursive: true, mode: 0o700 });
  clearAbandoned(workDir);
  const folder = mkdtempSync(join(workDir, `${prefix}${process.pid}-`));
  const disk = join(folder, 'boot.img');
  writeFileSync(disk, bootSector());
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // An engine that is stopped meanwhile leaves nothing behind.
  process.once('exit', remove);
  try {
    return await run(qemu, [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-m', '32'],
      ...['-machine', 'q35', '-accel', accelerator, '-cpu', cpuModel],
      ...['-device', `isa-debug-exit,iobase=${exitPort},iosize=4`],
      ...['-drive', `if=none,id=boot,format=raw,readonly=on,file=${disk.replaceAll(',', ',,')}`],
      ...['-device', 'virtio-blk-pci,drive=boot,bootindex=1'],
    ]);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

const prefix = 'trial-';

/** A guest that hangs outlives an engine that is killed while it tries it. The folder's name says whose it was. */
function clearAbandoned(workDir: string): void {
  for (const name of readdirSync(workDir)) {
    const engine = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    if (!name.startsWith(prefix) || (engine !== process.pid && isAlive(engine))) continue;
    const folder = join(workDir, name);
    for (const pid of qemuProcessesUsing(folder)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Machine code for 0x7c00: page tables for the first 2 MiB; CR4 with PAE and SSE, EFER with long mode, CR0 with
 * paging and protection; a 64-bit code segment; there CPUID, thirty million vector additions, and the exit.
 */
const code =
  'fa31c08ed88ec08ed066bf001000000f22df6631c066b9000c0000fc66f3ab' + // segments; CR3 = 0x1000; tables cleared
  '66c70600100320000066c70600200330000066c706003083000000' + // one entry on each level
  '0f20e0660d200600000f22e0' + // CR4 |= PAE | OSFXSR | OSXMMEXCPT
  '66b9800000c00f32660d000100000f30' + // EFER |= LME
  '0f0116a87c0f20c06683e0fb660d030000800f22c0' + // GDT; CR0 |= PG | MP | PE, without EM
  'ea707c0800' + // far jump into 64-bit code
  '660fefc0b8010000000fa2b980c3c901660ffec0ffc975f8' + // pxor; cpuid; paddd in a loop
  '66baf400b010eef4ebfd660f1f440000' + // out 0xf4, 0x10; hlt
  '000000000000000000000000009a20000f00987c0000'; // GDT and its pointer

function bootSector(): Buffer {
  const disk = Buffer.alloc(1024 * 1024);
  Buffer.from(code, 'hex').copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

function run(qemu: string, args: readonly string[]): Promise<TrialResult> {
  return new Promise((resolve) => {
    const child = spawn(qemu, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    let outcome: TrialResult | undefined;
    const fail = (problem: string): void => {
      outcome ??= { works: false, problem };
      child.kill('SIGKILL');
    };
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    const timer = setTimeout(() => fail('the guest made no progress'), limitMs);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      // QEMU stays, with the guest paused, after an error inside KVM.
      const internal = /KVM internal error[^\n]*/.exec(said);
      if (internal) fail(internal[0]);
    });
    child.on('error', (error) => fail(error.message));
    child.on('close', (code) => {
      clearTimeout(timer);
      process.off('exit', kill);
      if (code === expectedExitCode) resolve({ works: true, problem: '' });
      else resolve(outcome ?? { works: false, problem: complaintIn(said) ?? `QEMU ended with code ${code ?? 'none'}` });
    });
  });
}
