/** What an instance's status tells of the access that its agent gives, in KubeVirt's words. Pure. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { setCondition } from '../guests.ts';
import type { AccessState } from './keeper.ts';

export const ACCESS_CONDITION = 'AccessCredentialsSynchronized';

export const accessCondition = ({ problem }: AccessState): { status: 'True' | 'False'; message?: string } =>
  problem === undefined ? { status: 'True' } : { status: 'False', message: problem };

export function describeAccess(status: NonNullable<VirtualMachineInstance['status']>, state: AccessState, now: string): void {
  status.conditions = setCondition(status.conditions ?? [], ACCESS_CONDITION, accessCondition(state), now);
}
