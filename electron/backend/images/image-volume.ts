/** The DataVolume that an upload fills: made, and taken away again when nothing became of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { asHayloftError } from '#shared/contract/errors.ts';
import type { UploadTarget } from '#shared/contract/images.ts';
import type { DataVolume, DataVolumeSource } from '#shared/kube/cdi.ts';
import { FILE_NAME_ANNOTATION, FILE_SIZE_ANNOTATION, IMAGE_LABEL, UPLOAD_LABEL } from '#shared/kube/labels.ts';
import { uniqueName } from '#shared/kube/names.ts';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import { formatBytesQuantity } from '#shared/kube/quantities.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { dataVolumes, pathOf, claims, type Kind } from '../clusters/kinds.ts';

/** How often, and how many times, leftovers on a cluster that could not be reached are tried to be removed. */
const removeAgainMs = 2000;
const mostRemovals = 300;
/** Volumes are made in whole mebibytes, as CDI rounds them. */
const roundToBytes = 2 ** 20;

interface VolumeSize {
  /** Undefined where nobody says. */
  fileBytes: number | undefined;
  diskBytes: number;
}

/** What is written on the volume: the upload that it is for, and what is known of the image. */
interface VolumeMarks {
  uploadId?: string;
  notes?: Record<string, string>;
}

/** @returns the name that it has got: the file's, made free */
export async function createVolume(
  cluster: ClusterConnection,
  target: UploadTarget,
  size: VolumeSize,
  kind: 'iso' | 'disk',
  source: DataVolumeSource,
  marks: VolumeMarks,
): Promise<string> {
  const client = await cluster.client();
  const path = pathOf(dataVolumes, target.namespace);
  const lists = await Promise.all([path, pathOf(claims, target.namespace)].map((of) => client.call<KubeList>('GET', of)));
  const taken = lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.name ?? ''));
  const withoutEnding = target.fileName.replace(/\.(gz|xz|zst)$/i, '').replace(/\.(iso|img|raw|qcow2|vmdk|vdi|vhdx?)$/i, '');
  for (;;) {
    const name = uniqueName(withoutEnding, taken);
    try {
      await client.call('POST', path, { body: newVolume(name, target, size, kind, source, marks) });
      return name;
    } catch (error) {
      // Another file of this name was quicker.
      if (asHayloftError(error).code !== 'already-exists' || taken.includes(name)) throw error;
      taken.push(name);
    }
  }
}

function newVolume(name: string, target: UploadTarget, size: VolumeSize, kind: 'iso' | 'disk', source: DataVolumeSource, { uploadId, notes }: VolumeMarks): DataVolume {
  // A packed file is smaller than what is in it, or hardly larger: CDI and the engine unpack on the way.
  const bytes = Math.max(size.fileBytes ?? 0, size.diskBytes);
  return {
    apiVersion: 'cdi.kubevirt.io/v1beta1',
    kind: 'DataVolume',
    metadata: {
      name,
      namespace: target.namespace,
      labels: { [IMAGE_LABEL]: kind, ...(uploadId === undefined ? {} : { [UPLOAD_LABEL]: uploadId }) },
      annotations: {
        [FILE_NAME_ANNOTATION]: target.fileName,
        ...(size.fileBytes === undefined ? {} : { [FILE_SIZE_ANNOTATION]: String(size.fileBytes) }),
        ...notes,
        // Without it CDI waits for a machine to use the volume where the class says WaitForFirstConsumer.
        'cdi.kubevirt.io/storage.bind.immediate.requested': 'true',
      },
    },
    spec: {
      source,
      // CDI adds to it what a file system takes for itself, which it would not to `pvc`.
      storage: { resources: { requests: { storage: formatBytesQuantity(Math.ceil(bytes / roundToBytes) * roundToBytes) } } },
    },
  };
}

/** @returns the name of what an upload made that was cut off before it was written down, or undefined */
export async function findMade(client: ApiClient, kind: Kind<KubeObject>, namespace: string, uploadId: string): Promise<string | undefined> {
  const query = `?labelSelector=${encodeURIComponent(`${UPLOAD_LABEL}=${uploadId}`)}`;
  const { items } = await client.call<KubeList>('GET', pathOf(kind, namespace) + query);
  // A server that knows no selectors gives all.
  return items.find(({ metadata }) => metadata.labels?.[UPLOAD_LABEL] === uploadId)?.metadata.name;
}

/**
 * What was begun and not finished goes, as soon as the cluster can be reached: it may be the cluster's going that ended
 * the upload. The upload's own error is the one to tell, so this one goes to the log.
 */
export async function removeMade(cluster: ClusterConnection, kind: Kind<KubeObject>, { namespace, name }: { namespace: string; name: string }, closed: AbortSignal): Promise<void> {
  const remove = async (): Promise<void> => {
    await (await cluster.client()).call('DELETE', pathOf(kind, namespace, name));
  };
  try {
    await remove();
  } catch (error) {
    const { code, retryable, message } = asHayloftError(error);
    if (code === 'not-found') return;
    cluster.warn('What is left of an upload could not be removed', { name, message });
    if (retryable) void removeLater(remove, closed);
  }
}

async function removeLater(remove: () => Promise<void>, closed: AbortSignal): Promise<void> {
  const ended = (): boolean => closed.aborted;
  for (let tries = 0; tries < mostRemovals && !ended(); tries++) {
    await delay(removeAgainMs, undefined, { signal: closed, ref: false }).catch(() => undefined);
    const gone = await remove().then(() => true, (error: unknown) => asHayloftError(error).code === 'not-found');
    if (gone) return;
  }
}
