/** What a person does with images that clusters fetch. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { imageUrl, fileNameOf, mirrored } from '#shared/catalog/addresses.ts';
import { checksumOf, publishedSum, type Checksum } from '#shared/catalog/checksums.ts';
import type { CatalogEntry } from '#shared/contract/catalog.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import { CATALOG_ANNOTATION, DISPLAY_NAME_ANNOTATION, FILE_NAME_ANNOTATION, SOURCE_URL_ANNOTATION } from '#shared/kube/labels.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Clusters } from '../../clusters/clusters.ts';
import { dataVolumes, pathOf } from '../../clusters/kinds.ts';
import { machineImages, readImage } from '../../harvester/harvester-facts.ts';
import type { Catalog } from './catalog.ts';
import { importImage, type Imported } from './import-image.ts';
import { lookAtUrl, readText } from './look-at-url.ts';

type ImportCalls = Pick<CallHandlers, 'catalog.import' | 'catalog.save' | 'catalog.remove' | 'catalog.setMirror' | 'images.importUrl' | 'images.renew' | 'images.rename'>;

export function importCalls(clusters: Clusters, catalog: Catalog): ImportCalls {
  const fetchEntry = async (clusterId: string, namespace: string, entry: CatalogEntry, displayName: string, signal: AbortSignal): Promise<Imported> => {
    if (entry.url === undefined) throw new HayloftError('unsupported', `${entry.name} has to be downloaded by hand: ${entry.page ?? ''}`, { hint: entry.note });
    const url = imageUrl(mirrored(entry.url, catalog.mirror));
    const { checksum, unchecked } = await entrySum(entry, catalog.mirror, signal);
    const look = await lookAtUrl(url, signal).catch((error: unknown) => {
      // The cluster may well reach what this computer does not.
      if (!(error instanceof HayloftError) || error.code !== 'unreachable' || entry.diskBytes === undefined) throw error;
      return undefined;
    });
    const imported = await importImage(clusters.get(clusterId), {
      namespace,
      url,
      sourceUrl: entry.url,
      displayName,
      entryId: entry.id,
      user: entry.user,
      checksum,
      look: look ? { ...look, kind: look.finding.kind === 'iso' ? 'iso' : 'disk', diskBytes: look.diskBytes ?? entry.diskBytes } : { about: {}, sizeBytes: undefined, diskBytes: entry.diskBytes, kind: entry.kind },
    }, signal);
    return { ...(unchecked === undefined ? {} : { unchecked }), ...imported };
  };
  const fetchUrl = async (clusterId: string, namespace: string, address: string, displayName: string | undefined, checksum: Checksum | undefined, signal: AbortSignal): Promise<Imported> => {
    const url = imageUrl(address);
    const look = await lookAtUrl(url, signal);
    return importImage(clusters.get(clusterId), { namespace, url, sourceUrl: url.href, displayName, checksum, look: { ...look, kind: look.finding.kind === 'iso' ? 'iso' : 'disk' } }, signal);
  };
  return {
    'catalog.import': async ({ clusterId, namespace, entryId }, { signal }) => {
      const entry = catalog.entry(entryId);
      return fetchEntry(clusterId, namespace, entry, entry.name, signal);
    },
    'images.importUrl': async ({ clusterId, namespace, url, checksum: text, displayName }, { signal }) => {
      const checksum = text === undefined ? undefined : checksumOf(text);
      if (text !== undefined && checksum === undefined) throw new HayloftError('bad-input', 'A checksum is 64 (SHA-256) or 128 (SHA-512) digits and letters from a to f.', { field: 'checksum' });
      return fetchUrl(clusterId, namespace, url, displayName, checksum, signal);
    },
    'images.renew': async ({ clusterId, namespace, name }, { signal }) => {
      const client = await clusters.get(clusterId).client(signal);
      const own = await readImage(client, namespace, name);
      const old = own ?? (await client.call<KubeObject>('GET', pathOf(dataVolumes, namespace, name)));
      const { [SOURCE_URL_ANNOTATION]: source, [CATALOG_ANNOTATION]: entryId, [DISPLAY_NAME_ANNOTATION]: given, [FILE_NAME_ANNOTATION]: file } = old.metadata.annotations ?? {};
      if (source === undefined) throw new HayloftError('unsupported', 'This image was uploaded, so that nothing is known to fetch it from.', { hint: 'Upload the new version beside it.' });
      const displayName = own?.spec.displayName ?? given ?? file ?? name;
      const entry = entryId === undefined ? undefined : catalog.topic.get(entryId);
      // The name has to be free first where names must differ.
      const until = `${displayName.replace(/ \(until [\d-]+\)$/, '')} (until ${new Date().toISOString().slice(0, 10)})`.slice(-80);
      const rename = (to: string): Promise<unknown> => client.call('PATCH', pathOf(own ? machineImages : dataVolumes, namespace, name), renaming(own !== undefined, to));
      await rename(until);
      try {
        return await (entry ? fetchEntry(clusterId, namespace, entry, displayName, signal) : fetchUrl(clusterId, namespace, source, displayName, undefined, signal));
      } catch (error) {
        await rename(displayName);
        throw error;
      }
    },
    'images.rename': async ({ clusterId, namespace, name, displayName }) => {
      const client = await clusters.get(clusterId).client();
      const own = await readImage(client, namespace, name);
      await client.call('PATCH', pathOf(own ? machineImages : dataVolumes, namespace, name), renaming(own !== undefined, displayName));
      return {};
    },
    'catalog.save': (entry) => {
      catalog.save(entry);
      return Promise.resolve({});
    },
    'catalog.remove': ({ id }) => {
      catalog.remove(id);
      return Promise.resolve({});
    },
    'catalog.setMirror': ({ mirror }) => {
      catalog.setMirror(mirror);
      return Promise.resolve({});
    },
  };
}

const renaming = (own: boolean, displayName: string): { contentType: string; body: unknown } => ({
  contentType: 'application/merge-patch+json',
  body: own ? { spec: { displayName } } : { metadata: { annotations: { [DISPLAY_NAME_ANNOTATION]: displayName } } },
});

interface EntrySum {
  checksum?: Checksum;
  unchecked?: string;
}

/** @returns nothing where its maker publishes none, and why where this computer gets no answer. @throws HayloftError where there should be one, and is none */
async function entrySum({ name, url, checksumUrl }: CatalogEntry, mirror: string | undefined, signal: AbortSignal): Promise<EntrySum> {
  if (checksumUrl === undefined || url === undefined) return {};
  const at = imageUrl(mirrored(checksumUrl, mirror));
  let text: string;
  try {
    text = await readText(at, signal);
  } catch (error) {
    // The cluster may well reach what this computer does not, and has no use for the list.
    if (!(error instanceof HayloftError) || error.code !== 'unreachable') throw error;
    return { unchecked: `${at.host}, which publishes its checksum, does not answer this computer: nothing compares the file.` };
  }
  const checksum = publishedSum(text, fileNameOf(new URL(url)));
  if (checksum) return { checksum };
  throw new HayloftError('not-found', `${at.href} has no checksum for ${name}.`, { hint: 'There may be a newer version: import it by its address.' });
}
