/** Whether the host has the memory that machines are promised, in words. Pure. */
import { sizeInWords } from '#shared/images/bytes.ts';
import type { Condition } from '#shared/kube/object.ts';

/** What the running machines were given, in bytes, as a quantity. Kubernetes works such sums out from pods, which are not here. */
export const MEMORY_PROMISED_ANNOTATION = 'hayloft.io/memory-promised';
export const OVERCOMMITTED = 'MemoryOvercommitted';

export interface HostMemory {
  /** What machines can have without taking from the host's own programs. */
  allocatableBytes: number;
  /** What no program uses at the moment. */
  availableBytes: number;
}

/**
 * @param askedBytes what one more machine is given
 * @param promisedBytes what the running ones were given
 * @returns why its start may go badly; undefined when there is nothing to warn of
 */
export function warningFor(askedBytes: number, promisedBytes: number, host: HostMemory): string | undefined {
  const total = promisedBytes + askedBytes;
  if (askedBytes > host.availableBytes) {
    return `The machine may use ${sizeInWords(askedBytes)} of memory, and ${sizeInWords(host.availableBytes)} of this computer's are free: it may get slow, or the system may end a machine. Stop another one, or give this one less.`;
  }
  if (total > host.allocatableBytes) {
    return `With this one, machines may use ${sizeInWords(total)} of memory together, and this computer can give them ${sizeInWords(host.allocatableBytes)}: it is enough only as long as they do not use all of theirs.`;
  }
  return undefined;
}

export function overcommitCondition(promisedBytes: number, { allocatableBytes }: Pick<HostMemory, 'allocatableBytes'>): Omit<Condition, 'lastTransitionTime'> {
  const over = promisedBytes > allocatableBytes;
  const sum = `The running machines were given ${sizeInWords(promisedBytes)} of the ${sizeInWords(allocatableBytes)} that machines can have.`;
  return {
    type: OVERCOMMITTED,
    status: over ? 'True' : 'False',
    reason: over ? 'MachinesWereGivenMoreThanThereIs' : 'MachinesFit',
    message: over ? `${sum} That goes well as long as they do not use all of it.` : sum,
  };
}
