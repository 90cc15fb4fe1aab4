/** What the engine's admission refuses for its size, whatever runs (the engine's `machines/admission.ts`). Pure. */
import type { PlacementRequest } from '#shared/contract/placement.ts';
import { formatBytes } from '#shared/format/units.ts';
import type { NodeRoom } from './node-room.ts';

/** Virtual processors for each real one. */
const mostCoresPerCore = 4;

/** @returns why it would be refused, as a sentence */
export function engineRefusal({ cores, memoryBytes }: PlacementRequest, node: NodeRoom | undefined, place: string): string | undefined {
  if (!node) return undefined;
  const named = place.charAt(0).toUpperCase() + place.slice(1);
  if (memoryBytes > node.memoryTotalBytes) return `${named} has ${formatBytes(node.memoryTotalBytes)} of memory, and it asks for ${formatBytes(memoryBytes)}.`;
  const most = node.cpus * mostCoresPerCore;
  return cores > most ? `${named} has ${node.cpus} processors, and takes machines with up to ${most}.` : undefined;
}
