/** The disks and drives that a filled-in form stands for, and the volumes behind them. */
import type { NewMachine } from '#shared/contract/new-machine.ts';
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
  const { source, diskBus } = form;
  const root: Disk = { name: 'root', disk: diskBus === 'auto' ? {} : { bus: diskBus }, bootOrder: 1 };
  if (source.kind === 'volume') {
    return { disks: [root], volumes: [{ name: 'root', persistentVolumeClaim: { claimName: source.claim } }], dataVolumeTemplates: [] };
  }
  const name = rootVolumeName(form.name);
  const disks = [root];
  const volumes: Volume[] = [{ name: 'root', dataVolume: { name } }];
  if (source.kind === 'iso') {
    // The disk comes first: while it is empty firmware goes on to the installer, and afterwards it starts the system.
    disks.push({ name: 'installer', cdrom: { bus: 'sata' }, bootOrder: 2 });
    volumes.push({ name: 'installer', persistentVolumeClaim: { claimName: source.image } });
  }
  return { disks, volumes, dataVolumeTemplates: [rootVolume(form, name)] };
}

function rootVolume({ source, namespace, diskBytes, storageClass }: NewMachine, name: string): DataVolumeTemplate {
  return {
    metadata: { name },
    spec: {
      source: source.kind === 'disk' ? { pvc: { namespace, name: source.image } } : { blank: {} },
      storage: {
        ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
        resources: { requests: { storage: formatBytesQuantity(diskBytes) } },
      },
    },
  };
}
