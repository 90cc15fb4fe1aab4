/** What is behind a disk, in plain words. */
import type { MachineDisk } from '#shared/contract/machines.ts';
import type { StatusTone } from '#shared/contract/machines.ts';

/** By KubeVirt's names for the sources of volumes. */
const sources: Partial<Record<string, string>> = {
  dataVolume: 'Disk',
  persistentVolumeClaim: 'Disk',
  emptyDisk: 'Empty at each start',
  ephemeral: 'Copy that is thrown away',
  containerDisk: 'Container image',
  cloudInitNoCloud: 'cloud-init',
  cloudInitConfigDrive: 'cloud-init',
  sysprep: 'Windows answers (sysprep)',
  configMap: 'ConfigMap',
  secret: 'Secret',
  serviceAccount: 'Service account',
  downwardMetrics: 'Host’s metrics',
  downwardAPI: 'Facts about the machine',
  hostDisk: 'File of the node',
  memoryDump: 'Memory dump',
};

export function sourceWords({ source, claim, image }: MachineDisk): string {
  if (source === undefined) return 'Empty';
  return claim ?? image ?? sources[source] ?? source;
}

export const kindWords: Record<MachineDisk['kind'], string> = { disk: 'Disk', cdrom: 'CD drive', lun: 'SCSI device' };

/** How the disk is, by its volume and by what the running guest has. */
export function diskState(disk: MachineDisk): { tone: StatusTone; label: string } {
  if (disk.trouble !== undefined) return { tone: 'bad', label: 'Trouble' };
  if (disk.progress !== undefined && disk.progress < 1) return { tone: 'busy', label: 'Being made' };
  if (disk.claim !== undefined && disk.phase !== undefined && !['Succeeded', 'Bound'].includes(disk.phase)) {
    return { tone: 'busy', label: disk.phase === 'Pending' || disk.phase === 'WaitForFirstConsumer' ? 'Waiting' : disk.phase };
  }
  if (disk.plugged === false) return { tone: 'busy', label: 'Not plugged in' };
  return disk.plugged === true ? { tone: 'good', label: 'In use' } : { tone: 'off', label: 'Ready' };
}
