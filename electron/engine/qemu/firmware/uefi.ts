/** UEFI firmware (OVMF, edk2), wherever the system's packages put it. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram } from '../binary.ts';

export interface UefiFirmware {
  /** Shared by all guests, read only. */
  code: string;
  /** What a guest's own variables begin as; with secure boot, with Microsoft's keys in them. */
  variables: string;
}

const plain: readonly UefiFirmware[] = [
  { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE.fd', variables: '/usr/share/OVMF/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/ovmf/OVMF_CODE.fd', variables: '/usr/share/edk2/ovmf/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/x64/OVMF_CODE.4m.fd', variables: '/usr/share/edk2/x64/OVMF_VARS.4m.fd' },
  { code: '/usr/share/qemu/ovmf-x86_64-code.bin', variables: '/usr/share/qemu/ovmf-x86_64-vars.bin' },
];

const secure: readonly UefiFirmware[] = [
  { code: '/usr/share/OVMF/OVMF_CODE_4M.ms.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE_4M.secboot.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE.secboot.fd', variables: '/usr/share/OVMF/OVMF_VARS.ms.fd' },
  { code: '/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd', variables: '/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd' },
  { code: '/usr/share/qemu/ovmf-x86_64-smm-ms-code.bin', variables: '/usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin' },
];

/**
 * @param secureBoot firmware that starts only what is signed
 * @returns the firmware's files, or undefined where none is installed
 */
export function findUefiFirmware(secureBoot = false): UefiFirmware | undefined {
  const installed = (secureBoot ? secure : plain).find(({ code, variables }) => existsSync(code) && existsSync(variables));
  if (installed || secureBoot) return installed;
  // Homebrew and QEMU's own installers keep the firmware beside QEMU. The i386 variables fit the x86_64 code.
  const qemu = findProgram('qemu-system-x86_64');
  if (qemu === undefined) return undefined;
  const share = join(dirname(qemu), '..', 'share', 'qemu');
  const beside = { code: join(share, 'edk2-x86_64-code.fd'), variables: join(share, 'edk2-i386-vars.fd') };
  return existsSync(beside.code) && existsSync(beside.variables) ? beside : undefined;
}
