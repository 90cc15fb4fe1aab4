/** A DataVolume's status, in CDI's words. */
import type { DataVolume, DataVolumePhase } from '#shared/kube/cdi.ts';
import type { Condition } from '#shared/kube/object.ts';
import { timestamp } from '../../store/keys.ts';

export interface VolumeState {
  phase: DataVolumePhase;
  /** Between 0 and 1; undefined: nobody counts. */
  progress?: number;
  bound: boolean;
  running: { status: boolean; reason: string; message: string };
  restartCount?: number;
}

/** What happened, for an Event on the volume: a phase that was not there before, or a failure. */
export interface Happening {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** Puts the state into the draft's status; conditions keep the time of their last change. */
export function writeState(draft: DataVolume, state: VolumeState): void {
  const old = draft.status ?? {};
  const { name = '' } = draft.metadata;
  const succeeded = state.phase === 'Succeeded';
  const conditions = [
    state.bound
      ? condition(old.conditions, 'Bound', 'True', 'Bound', `PVC ${name} Bound`)
      : condition(old.conditions, 'Bound', 'False', 'Pending', `PVC ${name} Pending`),
    succeeded
      ? condition(old.conditions, 'Ready', 'True', '', '')
      : condition(old.conditions, 'Ready', 'False', state.phase === 'Failed' ? 'Error' : 'TransferRunning', ''),
    condition(old.conditions, 'Running', state.running.status ? 'True' : 'False', state.running.reason, state.running.message),
  ];
  draft.status = {
    ...old,
    ...(state.bound ? { claimName: name } : {}),
    phase: state.phase,
    progress: state.progress === undefined ? 'N/A' : percentage(state.progress),
    restartCount: Math.max(old.restartCount ?? 0, state.restartCount ?? 0),
    conditions,
  };
}

const percentage = (share: number): string => (share >= 1 ? '100.0%' : `${(share * 100).toFixed(2)}%`);

function condition(
  all: readonly Condition[] | undefined,
  type: string,
  status: Condition['status'],
  reason: string,
  message: string,
): Condition {
  const old = all?.find((item) => item.type === type);
  const changed = old?.status !== status;
  return { type, status, reason, message, lastTransitionTime: changed ? timestamp() : (old.lastTransitionTime ?? timestamp()) };
}

/** The Event that goes with a phase, by where the content comes from. */
export function happeningOf(volume: DataVolume, state: VolumeState): Happening | undefined {
  const { name = '' } = volume.metadata;
  const { source = {} } = volume.spec;
  const into = `PVC ${name}`;
  switch (state.phase) {
    case 'ImportScheduled':
      return { type: 'Normal', reason: 'ImportScheduled', message: `Import into ${name} scheduled` };
    case 'ImportInProgress':
      return { type: 'Normal', reason: 'ImportInProgress', message: `Import into ${name} in progress` };
    case 'CloneScheduled':
      return { type: 'Normal', reason: 'CloneScheduled', message: `Cloning from ${source.pvc?.name ?? ''} into ${name} scheduled` };
    case 'CloneInProgress':
      return { type: 'Normal', reason: 'CloneInProgress', message: `Cloning from ${source.pvc?.name ?? ''} into ${name} in progress` };
    case 'UploadScheduled':
      return { type: 'Normal', reason: 'UploadScheduled', message: `Upload into ${name} scheduled` };
    case 'UploadReady':
      return { type: 'Normal', reason: 'UploadReady', message: `Upload into ${name} ready` };
    case 'Succeeded':
      if (source.upload) return { type: 'Normal', reason: 'UploadSucceeded', message: `Successfully uploaded into ${into}` };
      if (source.pvc) return { type: 'Normal', reason: 'CloneSucceeded', message: `Successfully cloned from ${source.pvc.name} into ${name}` };
      return { type: 'Normal', reason: 'ImportSucceeded', message: `Successfully imported into ${into}` };
    case 'Failed':
      return { type: 'Warning', reason: failedReason(volume), message: state.running.message };
    default:
      return undefined;
  }
}

export function failedReason({ spec: { source = {} } }: DataVolume): string {
  if (source.upload) return 'UploadFailed';
  return source.pvc ? 'CloneFailed' : 'ImportFailed';
}
