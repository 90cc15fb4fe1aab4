/**
 * What a machine's firmware and TPM remember, as one archive. Names in it are those on the claim that KubeVirt keeps the
 * same on (pkg/storage/backend-storage): `nvram/NAME_VARS.fd` and `swtpm/UUID/tpm2/tpm2-00.permall`.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { usesSecureBoot } from '#shared/kube/firmware.ts';
import { writePrivateFile } from '../../private-file.ts';
import { keptTpm, keptVariables } from '../../qemu/firmware/kept-state.ts';
import { findUefiFirmware } from '../../qemu/firmware/uefi.ts';
import { readTar, writeTar } from './tar.ts';

type Machine = Pick<VirtualMachine, 'metadata' | 'spec'>;

/** Variables take 528 KiB, a TPM a few; whatever holds much more is something else. */
const mostBytes = 16 * 2 ** 20;
const tpmFile = 'tpm2-00.permall';

interface StateFile {
  /** In the archive. */
  name: string;
  /** On this computer. */
  path: string;
  fits: RegExp;
}

/** Name of the volume in an export: KubeVirt's claim begins so. */
export const stateVolume = (machine: string): string => `persistent-state-for-${machine}`;

/** @param machine with its instancetype and preference filled in */
function filesOf(keptDir: string, { metadata, spec }: Machine): StateFile[] {
  const { uid, name = '' } = metadata;
  if (uid === undefined) return [];
  const { domain } = spec.template.spec;
  const { firmware, devices } = domain;
  return [
    ...(firmware?.bootloader?.efi?.persistent === true
      ? [{ name: `nvram/${name}_VARS.fd`, path: keptVariables(keptDir, uid, usesSecureBoot(domain)), fits: /^nvram\/[^/]+\.fd$/ }]
      : []),
    ...(devices.tpm?.persistent === true
      ? [{ name: `swtpm/${firmware?.uuid ?? uid}/tpm2/${tpmFile}`, path: join(keptTpm(keptDir, uid), tpmFile), fits: /^swtpm\/[^/]+\/tpm2\/tpm2-00\.permall$/ }]
      : []),
  ];
}

/** Whether there is anything to be exported: a machine that never ran has none. */
export const hasState = (keptDir: string, machine: Machine): boolean => filesOf(keptDir, machine).some(({ path }) => existsSync(path));

/** @returns a tar archive, packed by gzip */
export function packState(keptDir: string, machine: Machine): Buffer {
  const files = filesOf(keptDir, machine).filter(({ path }) => existsSync(path));
  return gzipSync(writeTar(files.map(({ name, path }) => ({ name, content: readFileSync(path) }))));
}

/**
 * Puts what is in the archive in the place of what the machine's firmware and TPM remember. The machine must be off.
 * @throws HayloftError `bad-input` where it holds none of it, or none that fits this computer's firmware; nothing has changed then
 */
export function unpackState(keptDir: string, machine: Machine, archive: Buffer): void {
  const wanted = filesOf(keptDir, machine);
  if (wanted.length === 0) {
    throw new HayloftError('bad-input', 'The machine keeps no state of its firmware or TPM.', { hint: 'Set persistent: true at firmware.bootloader.efi or devices.tpm.' });
  }
  const entries = entriesOf(archive);
  const found = wanted.flatMap(({ path, fits }) => entries.filter(({ name }) => fits.test(name)).slice(0, 1).map(({ content }) => ({ path, content })));
  if (found.length === 0) throw new HayloftError('bad-input', 'The archive holds no state that this machine’s firmware or TPM could take.');
  const variables = found.find(({ path }) => path.endsWith('.fd'));
  const blank = variables && findUefiFirmware(usesSecureBoot(machine.spec.template.spec.domain))?.variables;
  if (blank !== undefined && statSync(blank).size !== variables?.content.length) {
    throw new HayloftError('bad-input', 'The variables in the archive are of another build of the UEFI firmware: their size differs.', {
      hint: 'Leave them out: the firmware then begins with its own.',
    });
  }
  for (const { path, content } of found) writePrivateFile(path, content);
}

function entriesOf(archive: Buffer): ReturnType<typeof readTar> {
  try {
    return readTar(gunzipSync(archive, { maxOutputLength: mostBytes }));
  } catch (cause) {
    throw new HayloftError('bad-input', 'It is no packed tar archive, or it is damaged.', { cause });
  }
}
