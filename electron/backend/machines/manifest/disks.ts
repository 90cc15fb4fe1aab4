/** The disks and drives that a filled-in form stands for, and the volumes behind them. */
import type { NewMachine } from '#shared/contract/machines.ts';
import type { DataVolumeTemplate, Disk, Volume } from '#shared/kube/kubevirt.ts';
import { formatBytesQuantity } from '#shared/kube/quantities.ts';

export interface DiskParts {
  disks: Disk[];
  volumes: Volume[];
  dataVolumeTemplates: DataVolumeTemplate[];
}

/** The machine's first disk is `<machine>-root`; it belongs to the machine. */
export const rootVolumeName = (machine: string): string => `${machine}-root`;

export function disksOf(form: NewMachine): DiskParts {
  const root = rootVolumeName(form.name);
  const disks: Disk[] = [{ name: 'root', disk: { bus: form.diskBus }, bootOrder: 1 }];
  const volumes: Volume[] = [{ name: 'root', dataVolume: { name: root } }];
  if (form.source.kind === 'iso') {
    // The disk comes first: while it is empty firmware goes on to the installer, and afterwards it starts the system.
    disks.push({ name: 'installer', cdrom: { bus: 'sata' }, bootOrder: 2 });
    volumes.push({ name: 'installer', persistentVolumeClaim: { claimName: form.source.image } });
  }
  return { disks, volumes, dataVolumeTemplates: [rootVolume(form, root)] };
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
