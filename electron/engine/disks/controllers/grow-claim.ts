/** Claims whose request was raised: their disks grow, whether a machine has them open or not. */
import { truncate } from 'node:fs/promises';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { Condition } from '#shared/kube/object.ts';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import type { ReconcileResult } from '../../controller.ts';
import { timestamp } from '../../store/keys.ts';
import { sync } from '../files/durable.ts';
import { grow } from '../files/qemu-img.ts';
import { machinesUsing } from '../machine-use.ts';
import type { DiskParts } from '../parts.ts';
import type { DiskFile } from '../types.ts';
import { backoffMs } from './backoff.ts';

/** How soon a machine that was about to have the disk open is asked again. */
const askAgainMs = 2000;
/** How soon a guest that could not take a larger disk is asked again. */
const tryAgainMs = 30_000;
/** Conditions that Kubernetes' external-resizer keeps while it works. */
const resizing = ['Resizing', 'ControllerResizeError'];

/** Begins to make the disk as large as the claim asks for; the file's own size tells when it is done. */
export function growClaim(
  parts: DiskParts,
  claims: ResourceDefinition<PersistentVolumeClaim>,
  claim: PersistentVolumeClaim,
  file: DiskFile,
  wanted: number,
): ReconcileResult | Promise<ReconcileResult> {
  const { resources, jobs, events, growOpen } = parts;
  const { namespace = '', name = '', uid = '' } = claim.metadata;
  const failure = jobs.failure(uid);
  const wait = failure === undefined ? 0 : failure.at + backoffMs(failure.count) - Date.now();
  if (wait > 0) return { requeueAfterMs: wait };
  if (machinesUsing(resources, namespace, name).length > 0) return growInMachine();
  tell({ type: 'Resizing', status: 'True' });
  void jobs
    .start(claim, 'grow', async ({ signal }) => {
      if (file.format === 'raw') await truncate(file.path, wanted);
      else await grow(file.path, file.format, wanted, { signal });
      await sync(file.path);
    })
    .then(succeeded, failed);
  return undefined;

  /** No job: while one runs the disk counts as unfinished, and its machine would be told so. */
  async function growInMachine(): Promise<ReconcileResult> {
    tell({ type: 'Resizing', status: 'True' });
    try {
      if (!(await growOpen(namespace, name, wanted))) return { requeueAfterMs: askAgainMs };
      succeeded();
      // The file's own size is what counts.
      return { requeueAfterMs: 0 };
    } catch (error) {
      failed(error);
      return { requeueAfterMs: tryAgainMs };
    }
  }

  function succeeded(): void {
    events.record(claim, 'Normal', 'VolumeResizeSuccessful', 'The disk has the size that was asked for.');
  }

  function failed(error: unknown): void {
    const { message, hint = '' } = asHayloftError(error);
    events.record(claim, 'Warning', 'VolumeResizeFailed', `${message} ${hint}`.trim());
    tell({ type: 'ControllerResizeError', status: 'True', message });
  }

  function tell(condition: Condition): void {
    resources.changeStatus(claims, namespace, name, (draft) => {
      if (draft.metadata.uid !== uid) return;
      const all = draft.status?.conditions ?? [];
      if (all.some(({ type, message }) => type === condition.type && message === condition.message)) return;
      const others = all.filter(({ type }) => type !== condition.type);
      draft.status = { ...draft.status, conditions: [...others, { ...condition, lastTransitionTime: timestamp() }] };
    });
  }
}

/** Nothing is on its way to another size any more. */
export function withoutResizing({ status }: PersistentVolumeClaim): void {
  const left = status?.conditions?.filter(({ type }) => !resizing.includes(type));
  if (status === undefined || left === undefined) return;
  if (left.length > 0) status.conditions = left;
  else delete status.conditions;
}
