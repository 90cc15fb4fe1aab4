/** The part of a disk that a request asks for (RFC 9110, 14). Pure. */

export interface Part {
  begin: number;
  /** One past the last byte. */
  end: number;
}

/**
 * @param header as it came
 * @returns undefined: the whole disk, also where several parts are asked for at once; `unsatisfiable`: 416
 */
export function partOf(header: string | undefined, sizeBytes: number): Part | undefined | 'unsatisfiable' {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(' ', '') ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { begin: sizeBytes - length, end: sizeBytes };
  }
  const begin = Number(first);
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (last !== '' && Number(last) < begin) return undefined;
  return begin >= sizeBytes ? 'unsatisfiable' : { begin, end };
}
