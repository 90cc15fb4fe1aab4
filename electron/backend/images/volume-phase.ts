/** Follows a DataVolume that takes an upload. */
import { HayloftError } from '#shared/contract/errors.ts';
import type { DataVolume, DataVolumePhase } from '#shared/kube/cdi.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { dataVolumes } from '../clusters/kinds.ts';
import { untilObject } from '../clusters/until-object.ts';

/**
 * @param waits told what the cluster says while it is not there yet, as far as it says anything; undefined when it is
 * @returns the phase, one of those waited for; rejects when the volume fails, goes, or `signal` aborts
 */
export async function volumeReaches<P extends DataVolumePhase>(
  cluster: ClusterConnection,
  { namespace, name }: { namespace: string; name: string },
  phases: readonly P[],
  signal: AbortSignal,
  waits: (why: string | undefined) => void = () => undefined,
): Promise<P> {
  let told: string | undefined;
  const say = (why: string | undefined): void => {
    if (why !== told) waits(why);
    told = why;
  };
  const look = (volume: DataVolume | undefined): P | undefined => {
    if (!volume) throw new HayloftError('cancelled', 'The image was deleted.');
    if (volume.status?.phase === 'Failed') throw volumeFailure(volume);
    const reached = phases.find((phase) => phase === volume.status?.phase);
    const why = reached === undefined ? whyNot(volume) : undefined;
    say(why === undefined ? undefined : `The cluster says: ${why}`);
    return reached;
  };
  return untilObject(cluster, { kind: dataVolumes, namespace, name }, look, signal);
}

const whyNot = (volume: DataVolume): string | undefined => volume.status?.conditions?.find((condition) => condition.status === 'False' && condition.message)?.message;

const volumeFailure = (volume: DataVolume): HayloftError => new HayloftError('internal', whyNot(volume) ?? 'The cluster could not make the image.', { retryable: true });
