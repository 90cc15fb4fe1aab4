/** Uploads from the first look at the file to the finished image, and the list of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { Upload } from '#shared/contract/images.ts';
import { recognize } from '#shared/images/recognize.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import { FILE_NAME_ANNOTATION, FILE_SIZE_ANNOTATION, IMAGE_LABEL } from '#shared/kube/labels.ts';
import { uniqueName } from '#shared/kube/names.ts';
import type { KubeList } from '#shared/kube/object.ts';
import { formatBytesQuantity } from '#shared/kube/quantities.ts';
import type { Clusters } from '../clusters/clusters.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { dataVolumes, pathOf } from '../clusters/kinds.ts';
import { Topic } from '../topics/topic.ts';
import { lookInside, type Inside } from './packed.ts';
import { RateMeter } from './rate-meter.ts';
import { sendImage } from './send.ts';
import type { UploadSource } from './upload-source.ts';
import { volumeReaches } from './volume-phase.ts';

export interface UploadTarget {
  clusterId: string;
  namespace: string;
  fileName: string;
}

/** How often progress is told while bytes flow. */
const tellEveryMs = 200;
/** How often, and how many times, leftovers on a cluster that could not be reached are tried to be removed. */
const removeAgainMs = 2000;
const mostRemovals = 300;
/** How long closing waits for cancelled uploads to clean up, in milliseconds. */
const closeWithinMs = 3000;
/** Volumes are made in whole mebibytes, as CDI rounds them. */
const roundToBytes = 2 ** 20;

export class Uploads {
  readonly topic = new Topic<Upload>({ key: (item) => item.id });
  readonly #clusters: Clusters;
  readonly #controllers = new Map<string, AbortController>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #closed = new AbortController();

  constructor(clusters: Clusters) {
    this.#clusters = clusters;
  }

  /**
   * Begins an upload. What can be told from the file's first bytes is told before anything is made.
   * @param opening the file, which may still be on its way: its first bytes come when the sender knows that they are waited for
   * @returns its id, and a promise of its end that rejects with the error that the list shows, too
   */
  begin(target: UploadTarget, totalBytes: number, opening: Promise<UploadSource>): { id: string; finished: Promise<void> } {
    const id = crypto.randomUUID();
    const controller = new AbortController();
    this.#controllers.set(id, controller);
    this.topic.put({
      id,
      clusterId: target.clusterId,
      namespace: target.namespace,
      name: '',
      fileName: target.fileName,
      totalBytes,
      sentBytes: 0,
      rate: 0,
      state: 'preparing',
    });
    const finished = this.#run(id, target, opening, controller.signal).finally(() => this.#controllers.delete(id));
    const settled = finished.catch(() => undefined).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    return { id, finished };
  }

  cancel(id: string): void {
    this.#controllers.get(id)?.abort(new HayloftError('cancelled', 'The upload was canceled.'));
  }

  /** Takes an ended upload off the list; one that is still going is canceled first. */
  dismiss(id: string): void {
    this.cancel(id);
    this.topic.remove(id);
  }

  /** Cancels what runs, and resolves when it has left nothing behind, or after a few seconds. */
  async close(): Promise<void> {
    for (const id of this.#controllers.keys()) this.cancel(id);
    await Promise.race([Promise.all(this.#running), delay(closeWithinMs, undefined, { ref: false })]);
    this.#closed.abort();
  }

  async #run(id: string, target: UploadTarget, opening: Promise<UploadSource>, signal: AbortSignal): Promise<void> {
    let made: { cluster: ClusterConnection; name: string } | undefined;
    try {
      const source = await opening;
      const { finding, diskBytes } = await checked(target.fileName, source);
      const kind = finding.kind === 'iso' ? 'iso' : 'disk';
      this.#change(id, { kind });
      const cluster = this.#clusters.get(target.clusterId);
      const name = await createVolume(cluster, target, source, kind, diskBytes);
      made = { cluster, name };
      this.#change(id, { name });
      await volumeReaches(cluster, { namespace: target.namespace, name }, ['UploadReady'], signal);
      await this.#send(id, cluster, { namespace: target.namespace, claim: name }, source, signal);
      this.#change(id, { state: 'processing', sentBytes: source.sizeBytes, rate: 0, secondsLeft: undefined });
      await volumeReaches(cluster, { namespace: target.namespace, name }, ['Succeeded'], signal);
      this.#change(id, { state: 'done' });
    } catch (error) {
      const known = asHayloftError(error);
      if (made) await removeVolume(made.cluster, target.namespace, made.name, this.#closed.signal);
      const state = known.code === 'cancelled' ? 'cancelled' : 'failed';
      this.#change(id, { state, error: known.toData(), rate: 0, secondsLeft: undefined });
      throw known;
    }
  }

  async #send(
    id: string,
    cluster: ClusterConnection,
    claim: { namespace: string; claim: string },
    source: UploadSource,
    signal: AbortSignal,
  ): Promise<void> {
    this.#change(id, { state: 'sending' });
    const meter = new RateMeter();
    let told = 0;
    await sendImage(() => cluster.client(signal), claim, source, {
      signal,
      progress: (sentBytes) => {
        const now = performance.now();
        if (now - told < tellEveryMs) return;
        told = now;
        const rate = meter.add(sentBytes, now);
        const secondsLeft = rate > 0 ? (source.sizeBytes - sentBytes) / rate : undefined;
        this.#change(id, { sentBytes, rate, secondsLeft });
      },
    });
  }

  #change(id: string, change: { [K in keyof Upload]?: Upload[K] | undefined }): void {
    const before = this.topic.get(id);
    // Dismissed in the meantime.
    if (before) this.topic.put({ ...before, ...change });
  }
}

/** @throws HayloftError that says why the file is no image */
async function checked(fileName: string, source: UploadSource): Promise<Inside> {
  const finding = recognize(source.head, source.sizeBytes);
  try {
    // The cluster unpacks it.
    if (finding.packing !== undefined) return await lookInside(source, finding.packing);
    const { problem } = finding;
    if (problem) throw new HayloftError(problem.code, problem.message, { hint: problem.hint });
  } catch (error) {
    const { code, message, hint } = asHayloftError(error);
    throw new HayloftError(code, `${fileName}: ${message}`, { ...(hint === undefined ? {} : { hint }), cause: error });
  }
  return { finding, diskBytes: finding.virtualSizeBytes ?? 0 };
}

async function createVolume(
  cluster: ClusterConnection,
  target: UploadTarget,
  source: UploadSource,
  kind: 'iso' | 'disk',
  diskBytes: number,
): Promise<string> {
  const client = await cluster.client();
  const path = pathOf(dataVolumes, target.namespace);
  const taken = await client.call<KubeList<DataVolume>>('GET', path);
  const withoutEnding = target.fileName.replace(/\.(gz|xz|zst)$/i, '').replace(/\.(iso|img|raw|qcow2|vmdk|vdi|vhdx?)$/i, '');
  const name = uniqueName(withoutEnding, taken.items.map((volume) => volume.metadata.name ?? ''));
  const bytes = Math.max(source.sizeBytes, diskBytes);
  const volume: DataVolume = {
    apiVersion: 'cdi.kubevirt.io/v1beta1',
    kind: 'DataVolume',
    metadata: {
      name,
      namespace: target.namespace,
      labels: { [IMAGE_LABEL]: kind },
      annotations: {
        [FILE_NAME_ANNOTATION]: target.fileName,
        [FILE_SIZE_ANNOTATION]: String(source.sizeBytes),
        // Without it CDI waits for a machine to use the volume where the class says WaitForFirstConsumer.
        'cdi.kubevirt.io/storage.bind.immediate.requested': 'true',
      },
    },
    spec: {
      source: { upload: {} },
      storage: { resources: { requests: { storage: formatBytesQuantity(Math.ceil(bytes / roundToBytes) * roundToBytes) } } },
    },
  };
  await client.call('POST', path, { body: volume });
  return name;
}

/**
 * What was begun and not finished goes, as soon as the cluster can be reached: it may be the cluster's going that ended
 * the upload. The upload's own error is the one to tell, so this one goes to the log.
 */
async function removeVolume(cluster: ClusterConnection, namespace: string, name: string, closed: AbortSignal): Promise<void> {
  const remove = async (): Promise<void> => {
    await (await cluster.client()).call('DELETE', pathOf(dataVolumes, namespace, name));
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
