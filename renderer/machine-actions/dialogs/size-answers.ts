/** A machine's new size: what is wrong with it, and when it gets it. */
import type { MachineSize } from '#shared/contract/machine-actions.ts';
import { formatBytes } from '#shared/format/units.ts';

interface Size {
  cores: number;
  memoryBytes: number;
}

const leastMemory = 64 * 2 ** 20;

export function sizeProblems({ cores, memoryBytes }: Size, { limits }: MachineSize): { cores?: string; memory?: string } {
  const problems: { cores?: string; memory?: string } = {};
  if (!Number.isInteger(cores) || cores < 1) problems.cores = 'A whole number, 1 or more.';
  else if (limits.cores !== undefined && cores > limits.cores) problems.cores = `No node has more than ${limits.cores}.`;
  if (memoryBytes < leastMemory) problems.memory = `${formatBytes(leastMemory)} at least.`;
  else if (limits.memoryBytes !== undefined && memoryBytes > limits.memoryBytes) {
    problems.memory = `No node has more than ${formatBytes(limits.memoryBytes)}.`;
  }
  return problems;
}

/** When the machine gets it, in words. A cluster that can, gives more while the machine runs, and never less. */
export function takesEffect(size: Size, now: MachineSize): string {
  if (!now.running) return 'It is off, and has its new size when it starts.';
  const moreCores = size.cores === now.cores || (now.live.cores !== undefined && size.cores > now.cores && size.cores <= now.live.cores);
  const moreMemory =
    size.memoryBytes === now.memoryBytes ||
    (now.live.memoryBytes !== undefined && size.memoryBytes > now.memoryBytes && size.memoryBytes <= now.live.memoryBytes);
  return moreCores && moreMemory ? 'It gets it while it runs.' : 'A restart is needed: until then it runs on with what it has.';
}
