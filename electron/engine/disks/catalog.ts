/** Finds the file behind a claim, for whoever runs machines. */
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import { dataVolumes } from './definitions/data-volume.ts';
import { persistentVolumeClaims } from './definitions/persistent-volume-claim.ts';
import { folderMissing } from './files/class-folder.ts';
import type { DiskParts } from './parts.ts';
import type { DiskState } from './types.ts';

export function findDisk({ resources, files, jobs }: Pick<DiskParts, 'resources' | 'files' | 'jobs'>, namespace: string, name: string): DiskState {
  const claim = resources.get(persistentVolumeClaims, namespace, name);
  const volume = resources.get(dataVolumes, namespace, name);
  if (!claim) {
    return volume ? { state: 'pending', phase: volume.status?.phase ?? '', message: pendingMessage(name, volume.status?.phase) } : { state: 'missing' };
  }
  if (claim.metadata.deletionTimestamp !== undefined) {
    return { state: 'pending', phase: 'Terminating', message: `The disk "${name}" is being deleted.` };
  }
  const folder = files.missingFolder(claim);
  if (folder !== undefined) return { state: 'pending', phase: 'Pending', message: folderMissing(folder) };
  const file = jobs.get(claim.metadata.uid ?? '') === undefined ? files.find(claim) : undefined;
  if (file) return { state: 'ready', file };
  const job = jobs.get(claim.metadata.uid ?? '')?.kind;
  if (job === 'check' || job === 'grow' || job === 'merge') {
    const doing = { check: 'checked', grow: 'made larger', merge: 'freed of what a deleted snapshot left' }[job];
    return { state: 'pending', phase: 'Pending', message: `The disk "${name}" is being ${doing}.` };
  }
  const phase = volume?.status?.phase ?? claim.status?.phase ?? '';
  const reason = volume?.status?.conditions?.find(({ type }) => type === 'Running')?.message;
  return { state: 'pending', phase, message: reason === undefined || reason === '' ? pendingMessage(name, phase, claim) : reason };
}

function pendingMessage(name: string, phase: string | undefined, claim?: PersistentVolumeClaim): string {
  if (phase === 'UploadReady') return `The disk "${name}" waits for its upload.`;
  if (phase === 'Failed') return `The disk "${name}" could not be made.`;
  if (claim?.status?.phase === 'Lost') return `The file of the disk "${name}" is missing.`;
  return `The disk "${name}" is still being made.`;
}
