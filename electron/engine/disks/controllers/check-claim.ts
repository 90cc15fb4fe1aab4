/** The check of a disk's own books, which a person asks for by an annotation on its claim. */
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { Condition } from '#shared/kube/object.ts';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { timestamp } from '../../store/keys.ts';
import { countErrors } from '../files/qemu-img.ts';
import { machinesUsing } from '../machine-use.ts';
import type { DiskParts } from '../parts.ts';
import type { DiskFile } from '../types.ts';

/** Asks for a check: any text that was not there before, the time for example. */
export const CHECK_ANNOTATION = 'hayloft.io/check';
/** The text of the last check that was made. */
export const CHECKED_ANNOTATION = 'hayloft.io/checked';
const INTACT = 'DiskIntact';

/** @returns whether a check has begun: the claim is looked at again when it is over */
export function checkClaim(
  { resources, jobs, events }: DiskParts,
  claims: ResourceDefinition<PersistentVolumeClaim>,
  claim: PersistentVolumeClaim,
  file: DiskFile,
): boolean {
  const { namespace, name = '', uid, annotations = {} } = claim.metadata;
  const asked = annotations[CHECK_ANNOTATION];
  if (asked === undefined || asked === annotations[CHECKED_ANNOTATION]) return false;
  const [user] = machinesUsing(resources, namespace, name);
  if (user !== undefined) {
    tell('Unknown', 'InUse', `The machine "${user.name}" has the disk open: it is checked when the machine is stopped.`);
    return false;
  }
  if (file.format === 'raw') {
    done('True', 'NothingToCheck', 'A raw disk keeps no books of its own that could be damaged.');
    return false;
  }
  void jobs
    .start(claim, 'check', async ({ signal }) => {
      const errors = await countErrors(file.path, { signal });
      if (errors === 0) done('True', 'Checked', 'No errors were found.');
      else done('False', 'Damaged', `${errors} errors were found in the disk. Restore it from a backup or a snapshot, or copy what can still be read into a new one.`);
    })
    .catch((error: unknown) => {
      const { code, message } = asHayloftError(error);
      if (code !== 'cancelled') done('Unknown', 'CheckFailed', message);
    });
  return true;

  function done(status: Condition['status'], reason: string, message: string): void {
    tell(status, reason, message);
    events.record(claim, status === 'True' ? 'Normal' : 'Warning', reason === 'Checked' ? 'DiskChecked' : `Disk${reason}`, message);
    resources.change(claims, namespace, name, ({ metadata }) => {
      if (metadata.uid === uid) metadata.annotations = { ...metadata.annotations, [CHECKED_ANNOTATION]: asked ?? '' };
    });
  }

  function tell(status: Condition['status'], reason: string, message: string): void {
    resources.changeStatus(claims, namespace, name, (draft) => {
      const all = draft.status?.conditions ?? [];
      const old = all.find(({ type }) => type === INTACT);
      if (draft.metadata.uid !== uid || (old?.status === status && old.message === message && reason === 'InUse')) return;
      const condition: Condition = { type: INTACT, status, reason, message, lastTransitionTime: timestamp(), lastProbeTime: timestamp() };
      draft.status = { ...draft.status, conditions: [...all.filter(({ type }) => type !== INTACT), condition] };
    });
  }
}
