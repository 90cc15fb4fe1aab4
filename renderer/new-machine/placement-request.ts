/** What is asked about the room that the described machine needs. */
import type { PlacementRequest } from '#shared/contract/placement.ts';
import { machineOf, problemsOf, type Answers } from './answers.ts';

/** @returns undefined while the answers leave its size open, and for a copy, whose size its snapshot knows */
export function placementRequestOf(answers: Answers, clusterId: string, namespace: string): PlacementRequest | undefined {
  if (answers.source?.kind === 'snapshot' || (answers.sizing === 'type' && !answers.type)) return undefined;
  const { cores, memoryBytes, diskBytes } = problemsOf(answers, undefined);
  if (cores ?? memoryBytes ?? diskBytes) return undefined;
  const machine = machineOf(answers, clusterId, namespace);
  return {
    ...{ clusterId, namespace },
    ...{ cores: machine.cores, memoryBytes: machine.memoryBytes },
    disks: machine.source.kind === 'volume' ? [] : [{ sizeBytes: machine.diskBytes, ...(machine.storageClass === undefined ? {} : { storageClass: machine.storageClass }) }],
    ...(machine.tpm ? { tpm: true } : {}),
    start: machine.runStrategy !== 'Halted' && machine.runStrategy !== 'Manual',
  };
}
