/** The VirtualMachine that a filled-in form stands for. */
import type { NewMachine } from '#shared/contract/machines.ts';
import type { DataVolumeTemplate, Disk, VirtualMachine, Volume } from '#shared/kube/kubevirt.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';
import { formatBytesQuantity } from '#shared/kube/quantities.ts';

/** The machine's first disk is `<machine>-root`; it belongs to the machine. */
export const rootVolumeName = (machine: string): string => `${machine}-root`;

export function machineManifest(form: NewMachine): VirtualMachine {
  const root = rootVolumeName(form.name);
  const disks: Disk[] = [{ name: 'root', disk: { bus: form.diskBus }, bootOrder: 1 }];
  const volumes: Volume[] = [{ name: 'root', dataVolume: { name: root } }];
  if (form.source.kind === 'iso') {
    // The disk comes first: while it is empty firmware goes on to the installer, and afterwards it starts the system.
    disks.push({ name: 'installer', cdrom: { bus: 'sata' }, bootOrder: 2 });
    volumes.push({ name: 'installer', persistentVolumeClaim: { claimName: form.source.image } });
  }
  const networked = form.network === 'nat';
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
      dataVolumeTemplates: [rootVolume(form, root)],
      template: {
        spec: {
          domain: {
            cpu: { cores: form.cores },
            memory: { guest: formatBytesQuantity(form.memoryBytes) },
            ...(form.firmware === 'uefi'
              ? { firmware: { bootloader: { efi: { secureBoot: false, persistent: true } } } }
              : {}),
            devices: {
              disks,
              ...(networked ? { interfaces: [{ name: 'default', masquerade: {}, model: form.networkModel }] } : {}),
              ...(networked ? {} : { autoattachPodInterface: false }),
              rng: {},
            },
          },
          ...(networked ? { networks: [{ name: 'default', pod: {} }] } : {}),
          volumes,
        },
      },
    },
  };
}

function rootVolume(form: NewMachine, name: string): DataVolumeTemplate {
  const { source } = form;
  return {
    metadata: { name },
    spec: {
      source: source.kind === 'disk' ? { pvc: { namespace: form.namespace, name: source.image } } : { blank: {} },
      storage: { resources: { requests: { storage: formatBytesQuantity(form.diskBytes) } } },
    },
  };
}
