/**
 * The body of Harvester's upload action: one part of a form, named as the image's backend wants it. Short, as Harvester looks
 * for a qcow2's size in the first 1024 bytes of the whole. Pure.
 */

/** Longhorn writes past the system's cache, in sectors (backing-image-manager's pkg/sync). */
const sectorBytes = 512;

export interface FormBody {
  /** Of the file as the form carries it. */
  fileBytes: number;
  headers: { 'content-type': string; 'content-length': number };
  head: Buffer;
  /** What follows the file: what fills its last sector, and the form's end. */
  tail: Buffer;
}

/** @param backend `backingimage`: Longhorn's backing images; `cdi`: DataVolumes */
export function formBody(fileName: string, sizeBytes: number, backend: 'backingimage' | 'cdi', boundary: string): FormBody {
  const field = backend === 'cdi' ? 'file' : 'chunk';
  const missing = backend === 'cdi' ? 0 : (sectorBytes - (sizeBytes % sectorBytes)) % sectorBytes;
  const head = Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${field}"; filename="${plain(fileName)}"\r\ncontent-type: application/octet-stream\r\n\r\n`);
  const tail = Buffer.concat([Buffer.alloc(missing), Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return {
    fileBytes: sizeBytes + missing,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': head.length + sizeBytes + tail.length },
    head,
    tail,
  };
}

/** Quotes and lines would end the header. */
const plain = (name: string): string => name.replace(/[^\x20-\x7e]|["\\]/g, '_').slice(0, 100);

/** The whole body, piece by piece. */
export async function* formBytes({ head, tail }: FormBody, file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* file;
  yield tail;
}
