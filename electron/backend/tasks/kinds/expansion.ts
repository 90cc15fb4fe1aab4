/** A disk that becomes larger, told by its claim. */
import { formatBytes } from '#shared/format/units.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { claims } from '../../clusters/kinds.ts';
import { done, failed, going, type TaskDefinition } from '../standing.ts';

/** What Kubernetes' resizer says when it could not, in its two places. */
const errors = ['ControllerResizeError', 'NodeResizeError'];

export const expandDisk: TaskDefinition = {
  watches: [claims],
  keeps: () => true,
  stand: async ({ object = '', bytes = 0, subject = object }, look) => {
    const claim = await look.get(claims, object);
    if (!claim) return failed(`The volume “${object}” was deleted in the meantime.`, undefined, 'not-found');
    const { capacity, conditions } = claim.status ?? {};
    if ((parseQuantity(capacity?.storage) ?? 0) >= bytes) {
      return done(`${subject} has ${formatBytes(bytes)} now. The guest’s partition and file system are as before: make them larger in the guest.`);
    }
    const error = errors.map((type) => findCondition(conditions, type)).find((condition) => condition?.status === 'True');
    if (error) return failed(error.message ?? 'The cluster could not make the disk larger.', 'The cluster goes on trying.');
    const pending = findCondition(conditions, 'FileSystemResizePending');
    if (pending?.status === 'True') return going('The volume is larger; its file system on the node grows when a machine opens it.');
    return going('The cluster is making it larger.');
  },
};
