/** Follows a DataVolume that takes an upload. */
import { HayloftError } from '#shared/contract/errors.ts';
import type { DataVolume, DataVolumePhase } from '#shared/kube/cdi.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { dataVolumes } from '../clusters/kinds.ts';
import { untilObject } from '../clusters/until-object.ts';

/** @returns the phase, one of those waited for; rejects when the volume fails, goes, or `signal` aborts */
export function volumeReaches<P extends DataVolumePhase>(
  cluster: ClusterConnection,
  { namespace, name }: { namespace: string; name: string },
  phases: readonly P[],
  signal: AbortSignal,
): Promise<P> {
  const look = (volume: DataVolume | undefined): P | undefined => {
    if (!volume) throw new HayloftError('cancelled', 'The image was deleted.');
    if (volume.status?.phase === 'Failed') throw volumeFailure(volume);
    return phases.find((phase) => phase === volume.status?.phase);
  };
  return untilObject(cluster, { kind: dataVolumes, namespace, name }, look, signal);
}

function volumeFailure(volume: DataVolume): HayloftError {
  const why = volume.status?.conditions?.find((condition) => condition.status === 'False' && condition.message);
  return new HayloftError('internal', why?.message ?? 'The cluster could not make the image.', { retryable: true });
}
