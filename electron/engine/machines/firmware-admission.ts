/** Which firmware and TPM a machine may have here. KubeVirt's rules: its vmi-create-admitter (virt-api). */
import { isEnabled, usesSecureBoot } from '#shared/kube/firmware.ts';
import type { DomainSpec } from '#shared/kube/kubevirt.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import { isTimeZone } from '../qemu/argv/clock.ts';
import { hasPciExpress } from '../qemu/hotplug/slots.ts';
import type { HostLimits } from './admission.ts';

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message });

/** @param path of the domain within its object */
export function checkFirmware(domain: DomainSpec, path: string, limits: Pick<HostLimits, 'hasUefi' | 'hasTpm'>): StatusCause[] {
  const { bootloader } = domain.firmware ?? {};
  const at = `${path}.firmware.bootloader`;
  const isSecure = usesSecureBoot(domain);
  const causes: StatusCause[] = [];
  if (bootloader?.efi && bootloader.bios) causes.push(fault(at, 'it is either bios or efi'));
  if (bootloader?.efi && !limits.hasUefi(isSecure)) {
    const kind = isSecure ? 'UEFI firmware with secure boot' : 'UEFI firmware';
    const others = isSecure ? 'set secureBoot to false, or use bios' : 'use bios';
    causes.push(fault(`${at}.efi`, `${kind} is not installed on this computer (packages "ovmf" or "edk2-ovmf"); ${others}`));
  }
  if (isSecure && !isEnabled(domain.features?.smm)) {
    const message = `${path}.firmware has EFI SecureBoot enabled. SecureBoot requires SMM, which is currently disabled.`;
    causes.push(fault(`${path}.features`, `${message} Set features.smm, or efi.secureBoot to false.`));
  }
  if (isSecure && !hasPciExpress(domain)) causes.push(fault(`${path}.machine.type`, 'secure boot needs a machine of type q35'));
  if (isEnabled(domain.devices.tpm) && !limits.hasTpm()) {
    causes.push(fault(`${path}.devices.tpm`, 'a TPM needs swtpm, which is not installed on this computer: install the package "swtpm"'));
  }
  if (domain.clock?.timezone !== undefined && !isTimeZone(domain.clock.timezone)) {
    causes.push(fault(`${path}.clock.timezone`, `"${domain.clock.timezone}" is no time zone: for example Europe/Vienna`));
  }
  if (domain.clock?.timezone !== undefined && domain.clock.utc) causes.push(fault(`${path}.clock`, 'it is either utc or timezone'));
  return causes;
}
