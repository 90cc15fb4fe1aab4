/** What a machine's firmware fields mean where they say nothing. Pure. */
import type { DomainSpec } from './kubevirt.ts';

/** UEFI starts only what is signed unless told otherwise: KubeVirt's default. */
export const usesSecureBoot = ({ firmware }: DomainSpec): boolean =>
  firmware?.bootloader?.efi !== undefined && firmware.bootloader.efi.secureBoot !== false;

/** A feature that is named is on unless it says otherwise. */
export const isEnabled = (feature: { enabled?: boolean } | undefined): boolean => feature !== undefined && feature.enabled !== false;
