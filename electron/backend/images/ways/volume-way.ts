/** A DataVolume that takes an upload: on the engine, and on KubeVirt with CDI. */
import type { ClusterConnection } from '../../clusters/connection.ts';
import { dataVolumes } from '../../clusters/kinds.ts';
import { createVolume } from '../image-volume.ts';
import { sendImage } from '../send.ts';
import { volumeReaches } from '../volume-phase.ts';
import type { TellUpload, UploadWay } from './way.ts';

export function volumeWay(cluster: ClusterConnection, namespace: string, tell: TellUpload): UploadWay {
  const waits = (why: string | undefined): void => tell({ note: why });
  return {
    kind: dataVolumes,
    make: ({ uploadId, target, source, finding, diskBytes }) =>
      createVolume(cluster, target, { fileBytes: source.sizeBytes, diskBytes }, finding.kind === 'iso' ? 'iso' : 'disk', { upload: {} }, { uploadId }),
    wantsBytes: async (name, signal) => (await volumeReaches(cluster, { namespace, name }, ['UploadReady', 'Succeeded'], signal, waits)) === 'UploadReady',
    send: (name, { source }, options) => sendImage(() => cluster.client(options.signal), { namespace, claim: name }, source, options),
    isWhole: async (name, signal) => {
      await volumeReaches(cluster, { namespace, name }, ['Succeeded'], signal);
    },
  };
}
