/** The catalog: images that are known by their addresses, and imports of them by the cluster. */
import { z } from 'zod';
import { topic } from './define.ts';
import { objectRef } from './machines.ts';

export const catalogEntry = z.object({
  id: z.string().min(1).max(64),
  name: z.string().min(1).max(80),
  kind: z.enum(['iso', 'disk']),
  /** Of the image; absent where its maker wants to be asked first: see `page`. */
  url: z.string().max(2000).optional(),
  /** Where a person gets it by hand. */
  page: z.string().max(2000).optional(),
  /** Worth knowing before. */
  note: z.string().max(300).optional(),
  /** A list of checksums (SHA-256 or SHA-512), or the checksum alone. */
  checksumUrl: z.string().max(2000).optional(),
  /** Who logs in: the user that cloud-init makes. */
  user: z.string().max(64).optional(),
  /** About as large as the file, and the disk in it; for clusters that reach what this computer does not. */
  sizeBytes: z.number().int().positive().optional(),
  diskBytes: z.number().int().positive().optional(),
  /** A person's own. */
  own: z.boolean(),
});
export type CatalogEntry = z.infer<typeof catalogEntry>;

export const catalogSettings = z.object({
  key: z.literal('catalog'),
  /** The catalog's files are below it, each server's in a folder of the server's name. */
  mirror: z.string().max(2000).optional(),
});
export type CatalogSettings = z.infer<typeof catalogSettings>;

const imported = z.object({
  name: z.string(),
  /** Why nothing compares the file with the checksum that its maker publishes. */
  unchecked: z.string().optional(),
});

export const catalogCalls = {
  /** Lets a cluster fetch an entry of the catalog. Its checksum is compared where the catalog knows one, unless the answer says why not. */
  'catalog.import': { input: z.object({ clusterId: z.string(), namespace: z.string(), entryId: z.string() }), output: imported },
  /** Lets a cluster fetch any image. @param checksum `sha256:` or `sha512:` with the sum, or the sum alone */
  'images.importUrl': {
    input: z.object({ clusterId: z.string(), namespace: z.string(), url: z.string().max(2000), checksum: z.string().max(200).optional(), displayName: z.string().max(80).optional() }),
    output: imported,
  },
  /** Fetches an imported image anew, under its name; the old one stays for the machines that have it, and says until when it held. */
  'images.renew': { input: objectRef, output: imported },
  /** @param displayName the name for people; the object's stays */
  'images.rename': { input: objectRef.extend({ displayName: z.string().trim().min(1).max(80) }), output: z.object({}) },
  'catalog.save': { input: catalogEntry.omit({ own: true, id: true }).extend({ url: z.string().max(2000), id: z.string().optional() }), output: z.object({}) },
  'catalog.remove': { input: z.object({ id: z.string() }), output: z.object({}) },
  'catalog.setMirror': { input: z.object({ mirror: z.string().max(2000).optional() }), output: z.object({}) },
};

export const catalogTopics = {
  catalog: topic({ params: z.object({}), item: catalogEntry, key: (item) => item.id }),
  catalogSettings: topic({ params: z.object({}), item: catalogSettings, key: (item) => item.key }),
};
