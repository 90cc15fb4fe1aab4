/** What is known of a transfer that may be cut off and go on later, even in another engine: a small file beside its bytes. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { PersistentVolumeClaim } from '#shared/kube/core.ts';
import type { ClaimFiles } from '../files/claim-files.ts';

/** Names of the two files: what has come, and what is known of it. */
export const RECEIVED = 'received';
export const NOTE = 'note';

export interface TransferNote {
  /** How many of the first bytes are certain to be on the disk. */
  storedBytes: number;
  /** How long the whole is, where the sender said so. */
  sizeBytes?: number;
  /** By what the sender's file is known again: a digest, or an address with its ETag. */
  identity?: string;
}

export interface Transfer {
  /** Where the bytes go. */
  readonly path: string;
  /** Undefined when nothing has come, or it is not known what. */
  read(): TransferNote | undefined;
  write(note: TransferNote): void;
  /** Forgets it, bytes and all. */
  discard(): Promise<void>;
}

export function transferOf(files: ClaimFiles, claim: PersistentVolumeClaim): Transfer {
  const path = files.partialFor(claim, RECEIVED);
  const note = files.partialFor(claim, NOTE);
  return {
    path,
    read: () => {
      try {
        return JSON.parse(readFileSync(note, 'utf8')) as TransferNote;
      } catch {
        // There is none, or an engine died while it wrote the first one.
        return undefined;
      }
    },
    write: (value) => {
      // The old one stays until the new one is whole. It need not be synced: an older note tells of fewer bytes.
      writeFileSync(`${note}.new`, JSON.stringify(value), { mode: 0o600 });
      renameSync(`${note}.new`, note);
    },
    discard: async () => {
      for (const file of [note, path]) await rm(file, { force: true });
    },
  };
}
