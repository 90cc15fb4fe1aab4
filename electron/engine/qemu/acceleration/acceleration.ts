/** Finds out how guests run here, by running one; remembers it until the host boots again or QEMU changes. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootId } from '../../service/boot-id.ts';
import { findQemu, type QemuBinary } from '../binary.ts';
import type { Acceleration, Accelerator } from '../types.ts';
import { tryGuest } from './trial-guest.ts';

/** What the hypervisor needs beyond what it tells others. */
export interface Verdict extends Acceleration {
  /** The CPU model that guests run with. */
  cpuModel: string;
  qemuPath?: string;
}

const hardware: Partial<Record<NodeJS.Platform, Accelerator>> = { linux: 'kvm', darwin: 'hvf', win32: 'whpx' };

/**
 * The most that QEMU can emulate, so that systems built for newer processors run, less the five-level page tables that
 * make every memory access slower to emulate.
 */
const emulatedCpu = 'max,la57=off';

export async function findAcceleration(cacheDir: string): Promise<Verdict> {
  const qemu = await findQemu();
  if (!qemu) {
    return { accelerator: 'none', cpuModel: '', reason: 'QEMU is not installed on this computer, so it cannot run machines.' };
  }
  const asked = process.env['HAYLOFT_ACCEL'];
  if (asked === 'tcg') return verdict(qemu, 'tcg', emulatedCpu, 'Software emulation was asked for (HAYLOFT_ACCEL=tcg).');
  const file = join(cacheDir, 'acceleration.json');
  const key = `${bootId()} ${qemu.path} ${qemu.version} ${qemu.changedMs}`;
  const remembered = recall(file, key);
  if (remembered) return remembered;
  const found = await tryHardware(qemu, cacheDir);
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify({ key, found }));
  return found;
}

async function tryHardware(qemu: QemuBinary, workDir: string): Promise<Verdict> {
  const accelerator = hardware[process.platform];
  if (accelerator === undefined || process.arch !== 'x64') {
    return verdict(qemu, 'tcg', emulatedCpu, 'There is no hardware virtualization for these guests on this computer.');
  }
  const obstacle = accelerator === 'kvm' ? kvmObstacle() : undefined;
  if (obstacle !== undefined) return verdict(qemu, 'tcg', emulatedCpu, obstacle);
  const problems: string[] = [];
  for (const cpuModel of ['host', 'qemu64']) {
    const { works, problem } = await tryGuest(qemu.path, accelerator, cpuModel, workDir);
    if (works) return verdict(qemu, accelerator, cpuModel);
    problems.push(problem);
  }
  const reason =
    `Hardware virtualization is there, but a guest fails under it (${problems.at(-1) ?? ''}), ` +
    'so guests are emulated in software, which is slow.';
  return verdict(qemu, 'tcg', emulatedCpu, reason);
}

function verdict(qemu: QemuBinary, accelerator: Accelerator, cpuModel: string, reason?: string): Verdict {
  const known = { accelerator, cpuModel, qemuPath: qemu.path, qemuVersion: qemu.version };
  return reason === undefined ? known : { ...known, reason };
}

function kvmObstacle(): string | undefined {
  if (!existsSync('/dev/kvm')) {
    return (
      'There is no hardware virtualization (/dev/kvm is missing), so guests are emulated in software, which is slow. ' +
      'It may be turned off in the firmware (VT-x, AMD-V or SVM).'
    );
  }
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return (
      'This user may not use hardware virtualization (/dev/kvm), so guests are emulated in software, which is slow. ' +
      'Add the user to the group "kvm" and log in again.'
    );
  }
}

function recall(file: string, key: string): Verdict | undefined {
  try {
    const saved = JSON.parse(readFileSync(file, 'utf8')) as { key: string; found: Verdict };
    return saved.key === key ? saved.found : undefined;
  } catch {
    return undefined;
  }
}
