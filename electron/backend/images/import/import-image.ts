/** Lets a cluster fetch an image from a web server: CDI and the engine by a DataVolume, Harvester by one of its own images. */
import { randomUUID } from 'node:crypto';
import { HayloftError } from '#shared/contract/errors.ts';
import { fileNameOf } from '#shared/catalog/addresses.ts';
import type { Checksum } from '#shared/catalog/checksums.ts';
import { IMAGE_TYPE_LABEL, type VirtualMachineImage } from '#shared/kube/harvester.ts';
import { CATALOG_ANNOTATION, DISPLAY_NAME_ANNOTATION, FILE_NAME_ANNOTATION, SOURCE_URL_ANNOTATION, USER_ANNOTATION } from '#shared/kube/labels.ts';
import type { KubeList } from '#shared/kube/object.ts';
import type { ClusterConnection } from '../../clusters/connection.ts';
import { pathOf } from '../../clusters/kinds.ts';
import { machineImages } from '../../harvester/harvester-facts.ts';
import { annotationsOf } from '../about/image-about.ts';
import { createVolume } from '../image-volume.ts';
import type { UrlLook } from './look-at-url.ts';

export interface WhatToImport {
  namespace: string;
  url: URL;
  /** Where it comes from by the catalog, which is not where a mirror has it. */
  sourceUrl: string;
  displayName?: string | undefined;
  entryId?: string | undefined;
  user?: string | undefined;
  checksum?: Checksum | undefined;
  look: Pick<UrlLook, 'about' | 'sizeBytes' | 'diskBytes'> & { kind: 'iso' | 'disk' };
}

export interface Imported {
  /** Of the object that stands for the image; how the import gets on is in the list of images. */
  name: string;
  /** Why nothing compares the file with its checksum. */
  unchecked?: string;
}

export async function importImage(cluster: ClusterConnection, what: WhatToImport, signal: AbortSignal): Promise<Imported> {
  const client = await cluster.client(signal);
  if (client.served?.has('harvesterhci.io') === true) return importToHarvester(cluster, what);
  const { namespace, url, look, checksum } = what;
  const fileName = fileNameOf(url);
  if (look.diskBytes === undefined) {
    throw new HayloftError('unsupported', 'Neither the server nor the file tells how large the disk in it is.', { hint: 'Download the file, and drop it on the window.', field: 'url' });
  }
  const name = await createVolume(
    cluster,
    { clusterId: cluster.id, namespace, fileName },
    { fileBytes: look.sizeBytes, diskBytes: look.diskBytes },
    look.kind,
    { http: { url: url.href, ...(checksum === undefined ? {} : { checksum }) } },
    { notes: notesOf(what) },
  );
  return { name };
}

function notesOf({ sourceUrl, displayName, entryId, user, look }: WhatToImport): Record<string, string> {
  return {
    ...annotationsOf(look.about),
    [SOURCE_URL_ANNOTATION]: sourceUrl,
    ...(displayName === undefined ? {} : { [DISPLAY_NAME_ANNOTATION]: displayName }),
    ...(entryId === undefined ? {} : { [CATALOG_ANNOTATION]: entryId }),
    ...(user === undefined ? {} : { [USER_ANNOTATION]: user }),
  };
}

async function importToHarvester(cluster: ClusterConnection, what: WhatToImport): Promise<Imported> {
  const { namespace, url, checksum, look } = what;
  // It compares SHA-512 and nothing else (harvester's pkg/apis, VirtualMachineImageSpec.checksum). What a person gave is compared or refused.
  if (checksum?.startsWith('sha256:') && what.entryId === undefined) {
    throw new HayloftError('unsupported', 'Harvester compares a download with a SHA-512 only, not with a SHA-256.', {
      field: 'checksum',
      hint: 'Give the SHA-512 of the file, or none; or download the file and upload it, which compares a SHA-256.',
    });
  }
  const client = await cluster.client();
  const path = pathOf(machineImages, namespace);
  const { items } = await client.call<KubeList<VirtualMachineImage>>('GET', path);
  const wanted = what.displayName ?? fileNameOf(url);
  const taken = new Set(items.map(({ spec }) => spec.displayName));
  let displayName = wanted;
  // Its webhook wants names that are shown to be different.
  for (let number = 2; taken.has(displayName); number++) displayName = `${wanted}-${number}`;
  const sum = checksum?.startsWith('sha512:') ? checksum.slice('sha512:'.length) : undefined;
  const name = `image-${randomUUID().slice(0, 8)}`;
  const image: VirtualMachineImage = {
    apiVersion: 'harvesterhci.io/v1beta1',
    kind: 'VirtualMachineImage',
    metadata: { name, namespace, labels: { [IMAGE_TYPE_LABEL]: look.kind === 'iso' ? 'iso' : 'raw_qcow2' }, annotations: { [FILE_NAME_ANNOTATION]: fileNameOf(url), ...notesOf(what) } },
    spec: { displayName, sourceType: 'download', url: url.href, ...(sum === undefined ? {} : { checksum: sum }) },
  };
  await client.call('POST', path, { body: image });
  return checksum !== undefined && sum === undefined ? { name, unchecked: 'Harvester compares SHA-512 only, and a SHA-256 is published: nothing compares the file.' } : { name };
}
