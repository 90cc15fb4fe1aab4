/** What is asked about the room that the described machine needs. */
import type { PlacementRequest } from '#shared/contract/placement.ts';
import { machineOf, problemsOf, type Answers } from './answers.ts';

/** @returns undefined while the answers leave its size open */
export function placementRequestOf(answers: Answers, clusterId: string, namespace: string): PlacementRequest | undefined {
  const { cores, memoryBytes, diskBytes } = problemsOf(answers, undefined);
  if (cores ?? memoryBytes ?? diskBytes) return undefined;
  const machine = machineOf(answers, clusterId, namespace);
  return {
    clusterId,
    namespace,
    cores: machine.cores,
    memoryBytes: machine.memoryBytes,
    disks: [{ sizeBytes: machine.diskBytes }],
    start: machine.start,
  };
}
