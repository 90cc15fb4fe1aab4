/** Uploading files that a person dropped or chose. */
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { UploadTarget } from '#shared/contract/images.ts';
import { aboutImage, type ImageAbout } from '#shared/images/about/about.ts';
import { packingOf } from '#shared/images/other-files.ts';
import { TAIL_BYTES } from '#shared/images/packed-size.ts';
import { HEAD_BYTES, recognize } from '#shared/images/recognize.ts';
import { connection } from '../state/connection.svelte.ts';
import { currentCluster } from '../state/current-cluster.svelte.ts';
import { toasts } from '../state/toasts.svelte.ts';
import { takeSumFiles } from './queue/sum-files.ts';

type Target = Omit<UploadTarget, 'fileName'>;
const usual = (): Target => ({ clusterId: currentCluster.id, namespace: 'default' });
/** Read and sent at a time. */
const pieceBytes = 1024 * 1024;

/** Starts one upload for each file; how they get on is in the list of uploads. Lists of checksums among them are compared with. */
export function uploadFiles(files: Iterable<File>, target = usual()): void {
  for (const file of takeSumFiles(files)) {
    void uploadFile(file, target).catch((error: unknown) => {
      const { code } = asHayloftError(error);
      // Told where the upload is shown; only what never became one is told here.
      if (code === 'connection-lost' || code === 'unreachable') toasts.failed(error);
    });
  }
}

/** Starts one upload for each file that the system handed to the app. */
export function uploadPaths(files: readonly { name: string; path: string }[]): void {
  for (const { name, path } of files) {
    connection.call('images.uploadFile', { ...usual(), fileName: name, path }).catch((error: unknown) => toasts.failed(error));
  }
}

async function uploadFile(file: File, target: Target): Promise<void> {
  const path = window.hayloft?.pathForFile(file) ?? '';
  if (path !== '') {
    await connection.call('images.uploadFile', { ...target, fileName: file.name, path });
    return;
  }
  const [tail, about] = await Promise.all([tailOf(file), aboutFile(file)]);
  const stream = await connection.open('images.upload', { ...target, fileName: file.name, sizeBytes: file.size, ...(tail === undefined ? {} : { tail }), ...(about ? { about } : {}) });
  try {
    for (let at = 0; at < file.size; at += pieceBytes) {
      const piece = await file.slice(at, at + pieceBytes).arrayBuffer();
      await stream.write(new Uint8Array(piece));
    }
    stream.end();
    for await (const chunk of stream.chunks) {
      throw new HayloftError('internal', `An upload was answered with ${chunk.byteLength} bytes.`);
    }
  } catch (error) {
    stream.abort(asHayloftError(error));
    throw error;
  }
}

/** What the file is, from the few places in it that tell; undefined for one that is no image, or packed. */
async function aboutFile(file: File): Promise<ImageAbout | undefined> {
  const read = async (offset: number, length: number): Promise<Uint8Array> => new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
  try {
    const finding = recognize(await read(0, HEAD_BYTES), file.size);
    return finding.problem === undefined ? await aboutImage(finding, read) : undefined;
  } catch {
    // A folder, or a file that went: sending it tells what is wrong.
    return undefined;
  }
}

/** The end of a packed file, which tells its size: all else of it comes in order. */
async function tailOf(file: File): Promise<string | undefined> {
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  if (packingOf(head) === undefined) return undefined;
  const tail = new Uint8Array(await file.slice(-TAIL_BYTES).arrayBuffer());
  let text = '';
  for (const byte of tail) text += String.fromCharCode(byte);
  return btoa(text);
}
