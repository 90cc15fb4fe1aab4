/** The firmware that a filled-in form stands for, and what it needs of the machine. */
import type { NewMachine } from '#shared/contract/new-machine.ts';
import type { DomainSpec } from '#shared/kube/kubevirt.ts';

export type FirmwareParts = Pick<DomainSpec, 'firmware' | 'features'> & Pick<DomainSpec['devices'], 'tpm'>;

export function firmwareOf({ firmware, tpm, preference }: NewMachine): FirmwareParts {
  return { ...bootloader(firmware, preference !== undefined), ...(tpm ? { tpm: { persistent: true } } : {}) };
}

function bootloader(firmware: NewMachine['firmware'], preferred: boolean): Pick<DomainSpec, 'firmware' | 'features'> {
  switch (firmware) {
    case 'auto':
      return {};
    case 'bios':
      // It is what KubeVirt takes anyway, unless a preference says otherwise.
      return preferred ? { firmware: { bootloader: { bios: {} } } } : {};
    case 'uefi':
      return { firmware: { bootloader: { efi: { secureBoot: false, persistent: true } } } };
    case 'secure':
      return {
        features: { smm: { enabled: true } },
        firmware: { bootloader: { efi: { secureBoot: true, persistent: true } } },
      };
  }
}
