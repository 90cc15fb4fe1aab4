/**
 * One of Harvester's own images, and its upload action (harvester's pkg/image; its interface's models do the same): a
 * VirtualMachineImage is made, is initialized by its backend, takes a form with the file, and tells what becomes of it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { asHayloftError, HayloftError } from '#shared/contract/errors.ts';
import { formatNames } from '#shared/images/finding.ts';
import { IMAGE_TYPE_LABEL, type VirtualMachineImage } from '#shared/kube/harvester.ts';
import { FILE_NAME_ANNOTATION, FILE_SIZE_ANNOTATION, UPLOAD_LABEL } from '#shared/kube/labels.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { KubeList } from '#shared/kube/object.ts';
import type { ApiClient } from '../../clusters/api-client.ts';
import type { ClusterConnection } from '../../clusters/connection.ts';
import { pathOf } from '../../clusters/kinds.ts';
import { untilObject } from '../../clusters/until-object.ts';
import { machineImages } from '../../harvester/harvester-facts.ts';
import { judge } from '../cdi/answers.ts';
import type { SendOptions } from '../send.ts';
import { sendRequest } from '../send-request.ts';
import { BeginAnew, type TellUpload, type UploadWay, type WhatToSend } from '../ways/way.ts';
import { formBody, formBytes } from './image-body.ts';

/** What its backends make disks of. */
const taken: readonly string[] = ['raw', 'qcow2', 'iso9660', 'udf'];
/** How often a backend that is not ready yet is asked again, and for how long. */
const askAgainMs = 1000;
const patienceMs = 5 * 60_000;

export function imageWay(cluster: ClusterConnection, namespace: string, tell: TellUpload): UploadWay {
  const follow = <R>(name: string, look: (image: VirtualMachineImage) => R | undefined, signal: AbortSignal): Promise<R> =>
    untilObject(cluster, { kind: machineImages, namespace, name }, (image) => {
      if (!image) throw new HayloftError('cancelled', 'The image was deleted.');
      refuseFailed(image);
      return look(image);
    }, signal);
  return {
    kind: machineImages,
    make: (what) => makeImage(cluster, what),
    wantsBytes: (name, signal) => follow(name, (image) => (has(image, 'Imported') ? 'no' : has(image, 'Initialized') ? 'yes' : undefined), signal).then((wants) => wants === 'yes'),
    send: async (name, what, options) => {
      // All of it goes again after a break: the backend has thrown away what came.
      options.goesOn?.(false);
      const client = await cluster.client(options.signal);
      const image = await client.call<VirtualMachineImage>('GET', pathOf(machineImages, namespace, name));
      await sendForm(client, image, what, options);
    },
    isWhole: async (name, signal) => {
      await follow(name, (image) => {
        const { progress } = image.status ?? {};
        tell({ note: progress === undefined || progress >= 100 ? undefined : `Harvester has taken in ${progress} % of it.` });
        return has(image, 'Imported') ? true : undefined;
      }, signal);
    },
  };
}

const has = ({ status }: VirtualMachineImage, type: string): boolean => findCondition(status?.conditions, type)?.status === 'True';

/** @throws HayloftError what Harvester has against the image */
function refuseFailed({ status }: VirtualMachineImage): void {
  const conditions = status?.conditions;
  const failed = ['Imported', 'Initialized'].map((type) => findCondition(conditions, type)).find((condition) => condition?.status === 'False');
  const over = ['RetryLimitExceeded', 'BackingImageMissing'].map((type) => findCondition(conditions, type)).find((condition) => condition?.status === 'True');
  const why = failed ?? over;
  if (!why) return;
  throw new HayloftError('internal', `Harvester could not make the image: ${why.message || why.reason || why.type}`, {
    hint: 'Look whether its storage has room and is healthy, then upload it again.',
    retryable: true,
  });
}

/** @returns its name. Throws HayloftError `unsupported` for a file that its backends do not read */
async function makeImage(cluster: ClusterConnection, { uploadId, target, source, finding, packing }: WhatToSend): Promise<string> {
  const format = packing ?? finding.format ?? 'raw';
  if (!taken.includes(format)) {
    const called = packing ? `packed with ${packing}` : `a ${formatNames[finding.format ?? 'raw']}`;
    throw new HayloftError('unsupported', `${target.fileName} is ${called}, and Harvester takes ISO files, raw and QCOW2 images.`, {
      hint: 'Convert it with qemu-img convert -O qcow2, and upload that.',
    });
  }
  const client = await cluster.client();
  const path = pathOf(machineImages, target.namespace);
  const { items } = await client.call<KubeList<VirtualMachineImage>>('GET', path);
  const image: VirtualMachineImage = {
    apiVersion: 'harvesterhci.io/v1beta1',
    kind: 'VirtualMachineImage',
    metadata: {
      name: `image-${randomUUID().slice(0, 8)}`,
      namespace: target.namespace,
      labels: { [IMAGE_TYPE_LABEL]: finding.kind === 'iso' ? 'iso' : 'raw_qcow2', [UPLOAD_LABEL]: uploadId },
      annotations: { [FILE_NAME_ANNOTATION]: target.fileName, [FILE_SIZE_ANNOTATION]: String(source.sizeBytes) },
    },
    // Its webhook wants names that are shown to be different.
    spec: { displayName: freeName(target.fileName, items.map(({ spec }) => spec.displayName)), sourceType: 'upload', url: '' },
  };
  await client.call('POST', path, { body: image });
  return image.metadata.name ?? '';
}

function freeName(fileName: string, taken: readonly string[]): string {
  const [, base = fileName, ending = ''] = /^(.+?)(\.[^.]+)?$/s.exec(fileName) ?? [];
  let name = fileName;
  for (let number = 2; taken.includes(name); number++) name = `${base}-${number}${ending}`;
  return name;
}

async function sendForm(client: ApiClient, image: VirtualMachineImage, { target, source }: WhatToSend, options: SendOptions): Promise<void> {
  const { signal, progress } = options;
  const body = formBody(target.fileName, source.sizeBytes, image.spec.backend ?? 'backingimage', `hayloft-${randomUUID()}`);
  const path = uploadPath(client.access.server, image, body.fileBytes);
  const until = performance.now() + patienceMs;
  for (;;) {
    let sent = 0;
    try {
      const request = await client.begin('POST', path, { headers: { ...body.headers, 'file-size': body.fileBytes, connection: 'keep-alive' }, signal });
      // What is around the file is no part of it.
      const told = (bytes: number): void => progress((sent = Math.min(source.sizeBytes, Math.max(0, bytes))));
      await sendRequest(request, client.access.server, { chunks: formBytes(body, source.chunks()), from: -body.head.length, to: source.sizeBytes + body.tail.length }, { signal, progress: told });
      return;
    } catch (error) {
      const { what, error: told } = judge(error);
      const again = (what === 'wait' || what === 'again') && !signal.aborted && performance.now() < until;
      if (sent > 0 && what === 'again') throw cutOff(told);
      if (!again || (sent > 0 && source.chunksFrom === undefined)) throw told;
      options.retrying?.(asHayloftError(told));
      await delay(askAgainMs, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  }
}

/** Its backend has given the image up by then, so that nothing can be sent into it any more. */
const cutOff = (error: HayloftError): HayloftError =>
  new BeginAnew('connection-lost', `${error.message} Harvester cannot go on in the middle of an image.`, { hint: 'Upload the file again.', retryable: true, cause: error });

/**
 * Where the action is: beside the cluster's API where Rancher leads to both, else behind the API server's way to Harvester's
 * own service (a kubeconfig of the node itself).
 */
function uploadPath(server: string, { metadata }: VirtualMachineImage, fileBytes: number): string {
  const { namespace = '', name = '' } = metadata;
  const action = `harvesterhci.io.virtualmachineimages/${namespace}/${name}?action=upload&size=${fileBytes}`;
  return /\/k8s\/clusters\//.test(server) ? `/v1/harvester/${action}` : `/api/v1/namespaces/harvester-system/services/https:harvester:8443/proxy/v1/${action}`;
}
