/** What a machine's firmware and TPM remember from one life to the next: files by the machine that they belong to. */
import { chmodSync, closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { usesSecureBoot } from '#shared/kube/firmware.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { GuestPaths } from '../argv/paths.ts';
import { findUefiFirmware, type UefiFirmware } from './uefi.ts';

/** Whose state it is: the VirtualMachine's that made the instance, or the instance's own. */
export function keeperOf({ metadata }: VirtualMachineInstance): string {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'VirtualMachine');
  return owner?.uid ?? metadata.uid ?? '';
}

/** Where a machine's TPM keeps its state when it is to survive a stop; the folder may not be there yet. */
export const keptTpmFolder = (keptDir: string, vmi: VirtualMachineInstance): string => keptTpm(keptDir, keeperOf(vmi));

/** @param keeper see {@link keeperOf} */
export const keptTpm = (keptDir: string, keeper: string): string => join(keptDir, `${keeper}.tpm`);

/** The two kinds of firmware do not share variables: with the keys missing, nothing would be judged. */
export const keptVariables = (keptDir: string, keeper: string, isSecure: boolean): string => join(keptDir, `${keeper}${isSecure ? '.secure' : ''}.fd`);

export interface PreparedFirmware extends UefiFirmware {
  /** The guest's own variables, which it may write. */
  ownVariables: string;
}

/**
 * Puts a guest's UEFI variables in their place: those of its last life where they are kept, new ones otherwise.
 * @returns undefined for a guest with BIOS
 * @throws HayloftError `unsupported` where the firmware is not installed
 */
export function prepareFirmware(keptDir: string, vmi: VirtualMachineInstance, paths: GuestPaths): PreparedFirmware | undefined {
  const efi = vmi.spec.domain.firmware?.bootloader?.efi;
  if (efi === undefined) return undefined;
  const isSecure = usesSecureBoot(vmi.spec.domain);
  const firmware = findUefiFirmware(isSecure);
  if (firmware === undefined) {
    throw new HayloftError('unsupported', `UEFI firmware${isSecure ? ' with secure boot' : ''} is not installed on this computer.`, {
      hint: 'Install it (the package "ovmf" or "edk2-ovmf"), or use BIOS for this machine.',
    });
  }
  const ownVariables = efi.persistent === true ? keptVariables(keptDir, keeperOf(vmi), isSecure) : paths.variables;
  if (!existsSync(ownVariables)) copyWhole(firmware.variables, ownVariables);
  return { ...firmware, ownVariables };
}

/** Removes the state of machines that are no more. */
export function sweepKeptState(keptDir: string, known: ReadonlySet<string>): void {
  if (!existsSync(keptDir)) return;
  for (const name of readdirSync(keptDir)) {
    const keeper = name.split('.')[0] ?? '';
    if (!known.has(keeper)) rmSync(join(keptDir, name), { recursive: true, force: true });
  }
}

/** As a whole or not at all: half a file of variables would keep a machine from ever starting. */
function copyWhole(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  const partial = `${to}.partial`;
  try {
    copyFileSync(from, partial);
    chmodSync(partial, 0o600);
    const file = openSync(partial, 'r');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, to);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}
