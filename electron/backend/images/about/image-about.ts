/** What is known about an image, read once from its file and kept in annotations, where every client finds it. */
import { open } from 'node:fs/promises';
import { imageAbout, type Image } from '#shared/contract/images.ts';
import { aboutImage, type ImageAbout } from '#shared/images/about/about.ts';
import { rangesOf, type ReadRange } from '#shared/images/about/read-range.ts';
import { BOOTS_ANNOTATION, FORMAT_ANNOTATION, OS_ANNOTATION, OS_NAME_ANNOTATION, SOURCE_URL_ANNOTATION, USER_ANNOTATION, VIRTUAL_SIZE_ANNOTATION, VOLUME_LABEL_ANNOTATION } from '#shared/kube/labels.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ClusterConnection } from '../../clusters/connection.ts';
import { pathOf, type Kind } from '../../clusters/kinds.ts';
import type { Inside } from '../packed.ts';
import type { UploadSource } from '../upload-source.ts';

/** @param packed what lies beyond its unpacked beginning cannot be read then. Never fails: what cannot be read tells nothing. */
export async function aboutSource(source: UploadSource, { finding, head }: Inside, packed: boolean): Promise<ImageAbout> {
  if (packed) return aboutImage(finding, rangesOf(head));
  if (source.about) return source.about;
  if (!source.file) return aboutImage(finding, rangesOf(head));
  try {
    const file = await open(source.file.path);
    try {
      const read: ReadRange = async (offset, length) => {
        const bytes = Buffer.alloc(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      };
      return await aboutImage(finding, read);
    } finally {
      await file.close();
    }
  } catch {
    // The upload itself reads all of it, and tells what is wrong.
    return aboutImage(finding, rangesOf(head));
  }
}

export function annotationsOf({ format, label, boots, os, virtualSizeBytes }: ImageAbout): Record<string, string> {
  return {
    ...(format ? { [FORMAT_ANNOTATION]: format } : {}),
    ...(label === undefined ? {} : { [VOLUME_LABEL_ANNOTATION]: label }),
    ...(boots ? { [BOOTS_ANNOTATION]: boots.join(',') || 'none' } : {}),
    ...(os ? { [OS_ANNOTATION]: os.id, [OS_NAME_ANNOTATION]: os.name } : {}),
    ...(virtualSizeBytes === undefined ? {} : { [VIRTUAL_SIZE_ANNOTATION]: String(virtualSizeBytes) }),
  };
}

/** @returns undefined where nothing is known. What somebody else wrote there and makes no sense is left out. */
export function aboutOf(notes: Readonly<Record<string, string>> = {}): ImageAbout | undefined {
  const { [OS_ANNOTATION]: id, [OS_NAME_ANNOTATION]: name = id, [BOOTS_ANNOTATION]: boots, [VIRTUAL_SIZE_ANNOTATION]: size } = notes;
  const fields = {
    format: notes[FORMAT_ANNOTATION],
    label: notes[VOLUME_LABEL_ANNOTATION],
    boots: boots?.split(',').filter((firmware) => firmware !== 'none'),
    os: id === undefined ? undefined : { id, name },
    virtualSizeBytes: size === undefined ? undefined : Number(size),
  };
  const { shape } = imageAbout;
  const known = Object.entries(fields).filter(([field, value]) => value !== undefined && shape[field as keyof typeof shape].safeParse(value).success);
  return known.length === 0 ? undefined : imageAbout.parse(Object.fromEntries(known));
}

/** Of an image that was fetched. */
export function originOf({ [USER_ANNOTATION]: user, [SOURCE_URL_ANNOTATION]: sourceUrl }: Readonly<Record<string, string>>): Pick<Image, 'user' | 'sourceUrl'> {
  return { ...(user === undefined ? {} : { user }), ...(sourceUrl === undefined ? {} : { sourceUrl }) };
}

/** Never fails: an image is whole without. */
export async function annotateAbout(cluster: ClusterConnection, kind: Kind<KubeObject>, { namespace, name }: { namespace: string; name: string }, about: ImageAbout): Promise<void> {
  try {
    const client = await cluster.client();
    const body = { metadata: { annotations: annotationsOf(about) } };
    await client.call('PATCH', pathOf(kind, namespace, name), { contentType: 'application/merge-patch+json', body });
  } catch (error) {
    cluster.warn('What an image is was not kept', { name, error: String(error) });
  }
}
