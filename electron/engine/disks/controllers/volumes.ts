/** DataVolumes: a claim for each, and its content. What is done is read off the disk: a claim with its file is filled. */
import { asHayloftError, HayloftError } from '#shared/contract/hayloft-error.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { createController, related, type Controller, type Key, type ReconcileResult } from '../../controller.ts';
import { isDefaultClass, isDefaultForMachines, storageClasses } from '../definitions/storage-class.ts';
import { requestedBytes } from '../definitions/claim-fields.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { claimsOf, isControlledBy } from '../machine-use.ts';
import { folderMissing } from '../files/class-folder.ts';
import type { DiskParts } from '../parts.ts';
import { makeBlank } from '../populate/blank.ts';
import { resolveSource } from '../populate/http-source.ts';
import { importHttp } from '../populate/import-http.ts';
import type { Placement } from '../populate/place.ts';
import { backoffMs } from './backoff.ts';
import { cloneSource, startClone } from './clone-source.ts';
import { claimSpecOf, newClaim, POPULATED_FOR_ANNOTATION, volumeReference } from './new-claim.ts';
import { PREPOPULATED_ANNOTATION } from '../definitions/data-volume.ts';
import { ROOM_EVERY_MS, waitsForRoom } from './wait-for-room.ts';
import { failedReason, happeningOf, writeState, type VolumeState } from './volume-status.ts';

export interface VolumeParts extends DiskParts {
  volumes: ResourceDefinition<DataVolume>;
  claims: ResourceDefinition<PersistentVolumeClaim>;
}

/** How often a running transfer's progress is written down. */
const progressEveryMs = 1000;
/** Failures that may go away by themselves. All others are final. */
const passing: readonly string[] = ['unreachable', 'connection-lost', 'no-space'];

export function controlVolumes(parts: VolumeParts): Controller {
  const { resources, volumes, claims } = parts;
  const clonesOf = (namespace: string | undefined, name: string | undefined): { namespace: string | undefined; name: string }[] =>
    resources
      .list(volumes)
      .filter(({ metadata, spec: { source } }) => source?.pvc?.name === name && (source?.pvc?.namespace ?? metadata.namespace) === namespace)
      .map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name ?? '' }));
  // A volume that has been taken out of a machine is named there no more: whoever waits for one looks again.
  const waitingClones = (): Key[] =>
    resources
      .list(volumes)
      .filter(({ status }) => status?.phase === 'CloneScheduled')
      .map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name ?? '' }));
  // A class's folder that has come, or gone, concerns all that are on it.
  const everyVolume = (): Key[] => resources.list(volumes).map(({ metadata }) => ({ namespace: metadata.namespace, name: metadata.name ?? '' }));
  return createController(parts, {
    of: volumes,
    related: [
      related({ of: storageClasses, keys: everyVolume }),
      related({
        of: claims,
        keys: ({ object: { metadata } }) => [
          { namespace: metadata.namespace, name: metadata.name ?? '' },
          ...clonesOf(metadata.namespace, metadata.name),
        ],
      }),
      related({ of: volumes, keys: ({ object: { metadata } }) => clonesOf(metadata.namespace, metadata.name) }),
      related({
        of: virtualMachineInstances,
        keys: ({ object }) => [...claimsOf(object).flatMap(({ namespace, name }) => clonesOf(namespace, name)), ...waitingClones()],
      }),
    ],
    reconcile: ({ namespace, name }) => {
      const volume = resources.get(volumes, namespace, name);
      if (!volume || volume.metadata.deletionTimestamp !== undefined) return undefined;
      return bring(parts, volume);
    },
  });
}

function bring(parts: VolumeParts, volume: DataVolume): ReconcileResult {
  const { resources, claims, files, jobs } = parts;
  const { namespace, name = '' } = volume.metadata;
  const isFilled = volume.metadata.annotations?.[PREPOPULATED_ANNOTATION] !== undefined;
  const found = resources.get(claims, namespace, name);
  if (!found && isFilled) return undefined;
  if (!found) return makeClaim(parts, volume);
  const claim = isFilled ? (takeOver(parts, volume, found) ?? found) : found;
  if (!isControlledBy(claim, volume)) {
    say(parts, volume, waiting('Pending', 'ErrResourceExists', `A claim named "${name}" exists already and does not belong to this volume.`));
    return undefined;
  }
  if (claim.metadata.deletionTimestamp !== undefined) return undefined;
  const folder = files.missingFolder(claim);
  if (folder !== undefined) {
    say(parts, volume, volume.status?.phase === undefined ? waiting('Pending', 'StorageUnavailable', folderMissing(folder)) : away(volume, folderMissing(folder)));
    return undefined;
  }
  const uid = claim.metadata.uid ?? '';
  const job = jobs.get(uid);
  // Growing, checking and merging come after the content.
  if (files.find(claim) && (!job || job.kind === 'grow' || job.kind === 'check' || job.kind === 'merge')) {
    say(parts, volume, {
      phase: 'Succeeded',
      bound: true,
      running: { status: false, reason: 'Completed', message: volume.spec.source?.upload ? 'Upload Complete' : 'Import Complete' },
      ...(volume.spec.source?.upload ? {} : { progress: 1 }),
    });
    return undefined;
  }
  if (volume.status?.phase === 'Succeeded') {
    say(parts, volume, failed(`The file of the disk "${name}" is missing. If it was moved away, put it back; else delete this volume.`));
    return undefined;
  }
  if (volume.status?.phase === 'Failed') return undefined;
  return fill(parts, volume, claim);
}

/** A claim that was made for the volume, and belongs to nobody yet, is the volume's from now on. */
function takeOver({ resources, claims }: VolumeParts, volume: DataVolume, claim: PersistentVolumeClaim): PersistentVolumeClaim | undefined {
  const { namespace, name = '' } = volume.metadata;
  if (claim.metadata.annotations?.[POPULATED_FOR_ANNOTATION] !== name || (claim.metadata.ownerReferences ?? []).length > 0) return undefined;
  return resources.change(claims, namespace, name, (draft) => {
    draft.metadata.ownerReferences = [volumeReference(volume)];
  });
}

function makeClaim(parts: VolumeParts, volume: DataVolume): ReconcileResult {
  const { resources, claims } = parts;
  if (volume.status?.phase === 'Succeeded') {
    say(parts, volume, failed(`The claim "${volume.metadata.name ?? ''}" was deleted, and the disk with it. Delete this volume, too, to make it anew.`));
    return undefined;
  }
  if (volume.status?.phase === 'Failed') return undefined;
  const source = volume.spec.source?.pvc === undefined ? undefined : cloneSource(parts, volume);
  // A clone without a size of its own waits for the source to know it.
  if (source?.state === 'waiting' && requestedBytes(claimSpecOf(volume)) === undefined) {
    say(parts, volume, waiting('CloneScheduled', source.reason, source.message));
    return undefined;
  }
  try {
    resources.create(claims, newClaim(volume, className(parts, volume), source?.state === 'ready' ? source.file.virtualSizeBytes : 0));
  } catch (error) {
    say(parts, volume, waiting('Pending', 'ErrClaimNotValid', error instanceof Error ? error.message : String(error)));
    throw error;
  }
  // The new claim's own change brings us back.
  return undefined;
}

function className({ resources }: VolumeParts, volume: DataVolume): string | undefined {
  const all = resources.list(storageClasses);
  return claimSpecOf(volume).storageClassName ?? (all.find(isDefaultForMachines) ?? all.find(isDefaultClass))?.metadata.name;
}

function fill(parts: VolumeParts, volume: DataVolume, claim: PersistentVolumeClaim): ReconcileResult {
  const { jobs, files } = parts;
  const source = volume.spec.source ?? {};
  const uid = claim.metadata.uid ?? '';
  const job = jobs.get(uid);
  const failure = jobs.failure(uid);
  const phase = { upload: 'UploadReady', import: 'ImportInProgress', clone: 'CloneInProgress', blank: 'ImportScheduled', grow: 'Pending', check: 'Pending', merge: 'Pending' } as const;
  if (job) {
    say(parts, volume, {
      phase: phase[job.kind],
      bound: true,
      running: { status: true, reason: 'Pod is running', message: '' },
      ...(job.progress === undefined ? {} : { progress: job.progress }),
      ...(failure === undefined ? {} : { restartCount: failure.count }),
    });
    return job.kind === 'upload' || job.kind === 'blank' ? undefined : { requeueAfterMs: progressEveryMs };
  }
  const words = failure === undefined ? undefined : wordsOf(failure.error);
  const isNews = (failure?.count ?? 0) > (volume.status?.restartCount ?? 0);
  if (source.upload) {
    if (volume.status?.phase === undefined) say(parts, volume, waiting('UploadScheduled', 'Pending', ''));
    if (words !== undefined && isNews) parts.events.record(volume, 'Warning', failedReason(volume), words);
    say(parts, volume, { ...waiting('UploadReady', words === undefined ? 'Pending' : 'Error', words ?? ''), bound: true, restartCount: failure?.count ?? 0 });
    return undefined;
  }
  const retryPhase = source.pvc ? 'CloneScheduled' : source.http ? 'ImportInProgress' : 'ImportScheduled';
  if (failure !== undefined && words !== undefined) {
    if (!(failure.error instanceof HayloftError && passing.includes(failure.error.code))) {
      say(parts, volume, failed(words, failure.count));
      return undefined;
    }
    if (isNews) parts.events.record(volume, 'Warning', failedReason(volume), words);
    say(parts, volume, { ...waiting(retryPhase, 'Error', words), bound: true, restartCount: failure.count });
    if (waitsForRoom(failure, files.folderOf(claim))) return { requeueAfterMs: ROOM_EVERY_MS };
    const wait = failure.at + backoffMs(failure.count) - Date.now();
    if (wait > 0) return { requeueAfterMs: wait };
  } else {
    say(parts, volume, { ...waiting(source.pvc ? 'CloneScheduled' : 'ImportScheduled', 'Pending', ''), bound: true });
  }
  const capacityBytes = requestedBytes(claim.spec) ?? 0;
  const to = (signal: AbortSignal): Placement => ({ files, claim, capacityBytes, signal });
  const { http } = source;
  if (source.pvc) {
    const found = cloneSource(parts, volume);
    if (found.state === 'waiting') {
      say(parts, volume, { ...waiting('CloneScheduled', found.reason, found.message), bound: true });
      return undefined;
    }
    startClone(parts, claim, found.file, to);
  } else if (http) {
    void jobs
      .start(claim, 'import', (running) => {
        const target = resolveSource(parts.resources, claim.metadata.namespace ?? '', http);
        return importHttp(target, http.checksum, to(running.signal), (share) => (running.progress = share));
      })
      .catch(() => undefined);
  } else {
    void jobs.start(claim, 'blank', ({ signal }) => makeBlank(to(signal))).catch(() => undefined);
  }
  return { requeueAfterMs: 0 };
}

const waiting = (phase: VolumeState['phase'], reason: string, message: string): VolumeState => ({
  phase,
  bound: false,
  running: { status: false, reason, message },
});

/** What was true stays true; it only cannot go on. */
const away = ({ status = {} }: DataVolume, message: string): VolumeState => ({
  phase: status.phase ?? 'Pending',
  bound: status.claimName !== undefined,
  running: { status: false, reason: 'StorageUnavailable', message },
  ...(status.phase === 'Succeeded' && status.progress !== 'N/A' ? { progress: 1 } : {}),
});

const failed = (message: string, restartCount = 0): VolumeState => ({
  phase: 'Failed',
  bound: true,
  running: { status: false, reason: 'Error', message },
  restartCount,
});

function wordsOf(error: unknown): string {
  const { message, hint = '' } = asHayloftError(error);
  return `${message} ${hint}`.trim();
}

/** Writes the state down, and an Event when the phase is a new one. */
function say(parts: VolumeParts, volume: DataVolume, state: VolumeState): void {
  const { resources, events, volumes } = parts;
  const { namespace, name = '', uid } = volume.metadata;
  const before = volume.status?.phase;
  const written = resources.changeStatus(volumes, namespace, name, (draft) => {
    if (draft.metadata.uid === uid) writeState(draft, state);
  });
  volume.status = written?.status ?? volume.status ?? {};
  const happening = state.phase === before ? undefined : happeningOf(volume, state);
  if (happening) events.record(volume, happening.type, happening.reason, happening.message);
}
