/** The checksum of one upload, from the first byte to the annotation on its volume. */
import type { UploadSum } from '#shared/contract/images.ts';
import { FILE_SUM_ANNOTATION } from '#shared/kube/labels.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { ClusterConnection } from '../../clusters/connection.ts';
import { pathOf, type Kind } from '../../clusters/kinds.ts';
import { refuseChanged } from '../file-identity.ts';
import type { UploadSource } from '../upload-source.ts';
import { FileHash } from './file-hash.ts';

export class SentSum {
  readonly #source: UploadSource;
  readonly #tell: (sum: UploadSum) => void;
  readonly #again: boolean;
  #hash: FileHash | undefined;

  /** @param again whether an earlier run of the app had begun to send the file */
  constructor(source: UploadSource, again: boolean, tell: (sum: UploadSum) => void) {
    this.#source = source;
    this.#again = again;
    this.#tell = tell;
  }

  /** Begins when bytes are about to go; a pause and a new try go on with what is read. */
  begin(): void {
    if (this.#hash) return;
    this.#hash = new FileHash(this.#source.file);
    this.#tell(this.#again ? { again: true } : {});
  }

  reached(sentBytes: number): void {
    this.#hash?.reached(sentBytes);
  }

  /** The source, with its bytes taken on their way where they cannot be read a second time. */
  watched(source: UploadSource): UploadSource {
    const hash = this.#hash;
    if (source.file || !hash) return source;
    return {
      ...source,
      chunks: async function* () {
        for await (const chunk of source.chunks()) {
          await hash.take(chunk);
          yield chunk;
        }
      },
    };
  }

  /** @throws HayloftError `truncated` when the file is not the one any more that it was */
  async refuseChanged(): Promise<void> {
    if (this.#source.file) await refuseChanged(this.#source.file);
  }

  /** @returns the sum. Throws HayloftError `truncated` when the file is not the one any more that it was. */
  async finish(): Promise<string> {
    // Nothing was sent in this run: all was there already.
    this.begin();
    const sha256 = (await this.#hash?.finish()) ?? '';
    this.#tell({ sha256 });
    return sha256;
  }

  end(): void {
    this.#hash?.end();
  }
}

/** Keeps the sum with the volume, where people who may write there look for it. Never fails: the image is whole without. */
export async function annotateSum(cluster: ClusterConnection, kind: Kind<KubeObject>, { namespace, name }: { namespace: string; name: string }, sha256: string): Promise<void> {
  try {
    const client = await cluster.client();
    await client.call('PATCH', pathOf(kind, namespace, name), {
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations: { [FILE_SUM_ANNOTATION]: sha256 } } },
    });
  } catch (error) {
    cluster.warn('The checksum of an image was not kept', { name, error: String(error) });
  }
}
