/** The schema of what a machine's board and processor offer beyond the ordinary. */
import { boolean, integer, object, string, unsupported } from '../../api/schema.ts';

export const featureState = object({ enabled: boolean() });

const hyperv = object(
  {
    relaxed: featureState,
    vapic: featureState,
    spinlocks: object({ enabled: boolean(), spinlocks: integer({ minimum: 4096 }) }),
    vpindex: featureState,
    runtime: featureState,
    synic: featureState,
    synictimer: object({ enabled: boolean(), direct: featureState }),
    reset: featureState,
    vendorid: object({ enabled: boolean(), vendorid: string({ pattern: '[^,]{1,12}' }) }),
    frequencies: featureState,
    reenlightenment: featureState,
    tlbflush: object({ enabled: boolean(), direct: featureState, extended: featureState }),
    ipi: featureState,
    evmcs: featureState,
  },
  { description: 'What makes Windows quicker under hardware virtualization; emulated machines do without.' },
);

export const features = object({
  acpi: featureState,
  apic: object({ enabled: boolean(), endOfInterrupt: unsupported('QEMU chooses') }),
  smm: { ...featureState, description: 'Secure boot needs it.' },
  kvm: object({ hidden: boolean({ description: 'Only under hardware virtualization is there anything to hide.' }) }),
  hyperv,
  hypervPassthrough: object({ enabled: boolean() }),
  pvspinlock: unsupported('QEMU chooses'),
});
