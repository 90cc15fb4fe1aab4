/** The VirtualMachine that a filled-in form stands for. */
import type { NewMachine } from '#shared/contract/machines.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';
import { formatBytesQuantity } from '#shared/kube/quantities.ts';
import { disksOf } from './disks.ts';
import { networksOf } from './networks.ts';

export function machineManifest(form: NewMachine): VirtualMachine {
  const { disks, volumes, dataVolumeTemplates } = disksOf(form);
  const { devices, networks } = networksOf(form);
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: {
      name: form.name,
      namespace: form.namespace,
      ...(form.description ? { annotations: { [DESCRIPTION_ANNOTATION]: form.description } } : {}),
    },
    spec: {
      // A guest that is shut down from inside stays off; one that crashes is started again.
      runStrategy: form.start ? 'RerunOnFailure' : 'Halted',
      dataVolumeTemplates,
      template: {
        spec: {
          domain: {
            cpu: { cores: form.cores },
            memory: { guest: formatBytesQuantity(form.memoryBytes) },
            ...(form.firmware === 'uefi'
              ? { firmware: { bootloader: { efi: { secureBoot: false, persistent: true } } } }
              : {}),
            devices: { disks, ...devices, rng: {} },
          },
          ...(networks.length === 0 ? {} : { networks }),
          volumes,
        },
      },
    },
  };
}
