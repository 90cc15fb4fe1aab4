/** What differs between clusters in taking a file: what is made for it, how its bytes go, and when it is an image. */
import { HayloftError } from '#shared/contract/errors.ts';
import type { Upload, UploadTarget } from '#shared/contract/images.ts';
import type { ImageAbout } from '#shared/images/about/about.ts';
import type { ImageFinding, Packing } from '#shared/images/finding.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Kind } from '../../clusters/kinds.ts';
import type { SendOptions } from '../send.ts';
import type { UploadSource } from '../upload-source.ts';

export interface WhatToSend {
  uploadId: string;
  target: UploadTarget;
  source: UploadSource;
  /** Of the image, packed or not. */
  finding: ImageFinding;
  /** What it is packed with. */
  packing: Packing | undefined;
  /** The disk that it needs; 0 where the file is as large as that. */
  diskBytes: number;
  about: ImageAbout;
}

export interface UploadWay {
  /** Of what is made in the cluster. */
  readonly kind: Kind<KubeObject>;
  /** @returns the name of what was made. Throws HayloftError when the cluster cannot take such a file. */
  make(what: WhatToSend, signal: AbortSignal): Promise<string>;
  /** Waits until the cluster takes bytes. @returns whether it wants any: it may have them all by now */
  wantsBytes(name: string, signal: AbortSignal): Promise<boolean>;
  send(name: string, what: WhatToSend, options: SendOptions): Promise<void>;
  /** Waits until it is an image. Throws HayloftError why it is none. */
  isWhole(name: string, signal: AbortSignal): Promise<void>;
  /** Puts away what this computer has for it, at the upload's end, however that was. */
  end?(): Promise<void>;
}

export type TellUpload = (change: { [K in keyof Upload]?: Upload[K] | undefined }) => void;

/** The bytes were cut off, and what was made for them takes no others: it is made anew. */
export class BeginAnew extends HayloftError {}
