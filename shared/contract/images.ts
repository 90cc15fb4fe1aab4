/** Images (ISO files and disk images to make machines from) and the uploads that bring them. */
import { z } from 'zod';
import { topic } from './define.ts';
import { errorData } from './errors.ts';
import { objectRef } from './machines.ts';

export const imageKind = z.enum(['iso', 'disk']);

/** What an image is, as far as it could be read from it. */
export const imageAbout = z.object({
  format: z.enum(['iso9660', 'udf', 'raw', 'qcow2', 'vmdk', 'vdi', 'vhdx', 'vhd']).optional(),
  /** Name of the volume on a disc. */
  label: z.string().max(128).optional(),
  /** With which firmware it starts; empty: with none. */
  boots: z.array(z.enum(['bios', 'uefi'])).max(2).optional(),
  /** A guess. */
  os: z.object({ id: z.string().max(32), name: z.string().max(80) }).optional(),
  /** The disk that a guest sees. */
  virtualSizeBytes: z.number().nonnegative().optional(),
});

export const image = objectRef.extend({
  key: z.string(),
  displayName: z.string(),
  kind: imageKind,
  fileName: z.string().optional(),
  sizeBytes: z.number().optional(),
  state: z.enum(['uploading', 'importing', 'ready', 'failed']),
  progress: z.number().min(0).max(1).optional(),
  reason: z.string().optional(),
  created: z.number(),
  about: imageAbout.optional(),
  /** Who logs in to what is in it. */
  user: z.string().optional(),
  /** Where the cluster fetched it from, and would again. */
  sourceUrl: z.string().optional(),
  /** Names of the machines that have it inserted. */
  usedBy: z.array(z.string()),
});
export type Image = z.infer<typeof image>;

/** SHA-256 of an upload's file. */
export const uploadSum = z.object({
  /** In hex; absent until all of the file is read. */
  sha256: z.string().optional(),
  /** What it should be, as somebody said. */
  wanted: z.string().optional(),
  /** All of the file is read once more: the reading of the app's earlier run is lost with it. */
  again: z.boolean().optional(),
});
export type UploadSum = z.infer<typeof uploadSum>;

export const upload = z.object({
  id: z.string(),
  clusterId: z.string(),
  namespace: z.string(),
  /** Name of the image's DataVolume. */
  name: z.string(),
  fileName: z.string(),
  kind: imageKind.optional(),
  about: imageAbout.optional(),
  totalBytes: z.number(),
  sentBytes: z.number(),
  /** Bytes a second over the last seconds. */
  rate: z.number(),
  secondsLeft: z.number().optional(),
  /** `waiting`: for its turn, or for the cluster. */
  state: z.enum(['preparing', 'waiting', 'sending', 'paused', 'processing', 'done', 'failed', 'cancelled']),
  /** The cluster cannot go on in the middle: after a pause all is sent again. */
  beginsAgain: z.boolean().optional(),
  sum: uploadSum.optional(),
  /** The cluster could fetch the file from this computer instead, if it can reach it. */
  canServe: z.boolean().optional(),
  /** Something that happened on the way and did not end it, as a sentence. */
  note: z.string().optional(),
  error: errorData.optional(),
});
export type Upload = z.infer<typeof upload>;

export const uploadSettings = z.object({
  key: z.literal('uploads'),
  /** Bytes that all uploads together send in a second; undefined: as fast as it goes. An engine on this computer reads files itself, at its own rate. */
  bytesPerSecond: z.number().int().min(1024).optional(),
  /** How many send at the same time. */
  atOnce: z.number().int().min(1).max(8),
});
export type UploadSettings = z.infer<typeof uploadSettings>;

export const uploadTarget = z.object({
  clusterId: z.string(),
  namespace: z.string(),
  fileName: z.string().min(1).max(255),
  /** What it is for, when it is stored: a machine in its namespace. */
  then: z.object({ machine: z.string().min(1).max(63), as: z.enum(['cd', 'disk']) }).optional(),
});
export type UploadTarget = z.infer<typeof uploadTarget>;

export const imageCalls = {
  /** Desktop only: uploads a file of this computer, read by the backend. `path` is absolute. */
  'images.uploadFile': { input: uploadTarget.extend({ path: z.string() }), output: z.object({ uploadId: z.string() }) },
  'images.cancelUpload': { input: z.object({ uploadId: z.string() }), output: z.object({}) },
  /** Lets an upload stand still, and go on; neither does anything to one that has ended. */
  'images.pauseUpload': { input: z.object({ uploadId: z.string() }), output: z.object({}) },
  'images.resumeUpload': { input: z.object({ uploadId: z.string() }), output: z.object({}) },
  /** Takes a finished, failed or cancelled upload off the list. */
  'images.dismissUpload': { input: z.object({ uploadId: z.string() }), output: z.object({}) },
  /**
   * Says what SHA-256 files should have. @param text sums, as they were pasted or as SHA256SUMS has them; of one that
   * stands alone the upload must be told. Sums of files by name hold for uploads that begin later, too.
   */
  'images.expectSums': {
    input: z.object({ text: z.string().max(2 ** 20), uploadId: z.string().optional() }),
    /** Of the uploads in the list that are meant. */
    output: z.object({ fileNames: z.array(z.string()) }),
  },
  /** Lets the cluster fetch a file of this computer, from the beginning, instead of sending it. One that is under way is given up for it. */
  'images.serveUpload': { input: z.object({ uploadId: z.string() }), output: z.object({}) },
  'images.setUploadSettings': { input: uploadSettings.omit({ key: true }), output: z.object({}) },
  /** Refused while it is in machines' drives, unless `inDrives` says that they may lose it. */
  'images.delete': { input: objectRef.extend({ inDrives: z.boolean().default(false) }), output: z.object({}) },
};

export const imageTopics = {
  images: topic({ params: z.object({ clusterId: z.string().optional() }), item: image, key: (item) => item.key }),
  uploadSettings: topic({ params: z.object({}), item: uploadSettings, key: (item) => item.key }),
  uploads: topic({ params: z.object({}), item: upload, key: (item) => item.id }),
};

export const imageStreams = {
  /** The file's bytes, from the renderer; the far side ends it when all is stored and checked. */
  'images.upload': {
    params: uploadTarget.extend({
      sizeBytes: z.number().int().nonnegative(),
      /** Of a packed file: its last 16 KiB in base64, which tell how large it is when it is unpacked. */
      tail: z.base64().max(24_000).optional(),
      /** What the renderer has read of the file, all over it: its bytes come in order. */
      about: imageAbout.optional(),
    }),
    opened: z.object({ uploadId: z.string() }),
  },
};
