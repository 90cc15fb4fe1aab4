/** What is told of nodes, in words. */
import type { Node } from '#shared/contract/clusters.ts';
import { formatBytes } from '#shared/format/units.ts';

export const accelerations: Record<Node['acceleration'], string> = {
  kvm: 'KVM',
  hvf: 'Apple Hypervisor',
  whpx: 'Windows Hypervisor',
  tcg: 'Software emulation',
  none: 'Cannot run machines',
  unknown: 'Not known',
};

/** Why it matters that machines were given more memory than there is for them; undefined when they were not. */
export function overcommit({ memoryUsedBytes, memoryAllocatableBytes }: Pick<Node, 'memoryUsedBytes' | 'memoryAllocatableBytes'>): string | undefined {
  if (memoryAllocatableBytes === undefined || memoryUsedBytes <= memoryAllocatableBytes) return undefined;
  return `More than the ${formatBytes(memoryAllocatableBytes)} that machines can have: when they use all of theirs, the computer gets slow, or ends one.`;
}
