/** Reads `length` bytes of a file from `offset` on; fewer where it ends. */
export type ReadRange = (offset: number, length: number) => Promise<Uint8Array>;

/** The same for bytes that are all there is. */
export const rangesOf =
  (bytes: Uint8Array): ReadRange =>
  (offset, length) =>
    Promise.resolve(bytes.subarray(offset, offset + length));
