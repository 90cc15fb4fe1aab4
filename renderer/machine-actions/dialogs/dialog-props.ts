/** What every dialog of a machine's action is given. */
import type { ObjectRef } from '#shared/contract/machines.ts';
import type { ActedOn } from '../action.ts';

export interface DialogProps {
  machine: ActedOn;
  open: boolean;
  /** What of the machine it is about: a disk, a snapshot. */
  subject?: string | undefined;
}

/** The reference alone, as calls take it. */
export const refOf = ({ clusterId, namespace, name }: ObjectRef): ObjectRef => ({ clusterId, namespace, name });
