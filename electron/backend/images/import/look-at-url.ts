/** A look at an image on a web server, from this computer, before a cluster is sent to fetch it: what it is, and how large. */
import { HayloftError } from '#shared/contract/errors.ts';
import { aboutImage, type ImageAbout } from '#shared/images/about/about.ts';
import { rangesOf, type ReadRange } from '#shared/images/about/read-range.ts';
import type { ImageFinding } from '#shared/images/finding.ts';
import { TAIL_BYTES } from '#shared/images/packed-size.ts';
import { HEAD_BYTES, recognize } from '#shared/images/recognize.ts';
import { lookInside } from '../packed.ts';

/** How long a server may take to answer once. */
const patienceMs = 15_000;
/** Parts that are asked for to tell what a disc is, and how large one may be. */
const mostParts = 40;
const mostPartBytes = 256 * 1024;
const mostTextBytes = 1024 * 1024;

export interface UrlLook {
  finding: ImageFinding;
  about: ImageAbout;
  /** Of the file; undefined where the server does not say. */
  sizeBytes: number | undefined;
  /** The disk that it needs. */
  diskBytes: number | undefined;
}

/** @throws HayloftError `unreachable` where this computer gets no answer; else why the file is no image, or is not there */
export async function lookAtUrl(url: URL, signal: AbortSignal): Promise<UrlLook> {
  const { bytes: head, sizeBytes, parts } = await readPart(url, 0, HEAD_BYTES, signal);
  const first = recognize(head, sizeBytes);
  if (first.packing !== undefined) {
    const tail = parts && sizeBytes !== undefined ? (await readPart(url, Math.max(0, sizeBytes - TAIL_BYTES), TAIL_BYTES, signal)).bytes : undefined;
    const source = { sizeBytes: sizeBytes ?? head.length, head, ...(tail ? { tail } : {}), chunks: () => none() };
    const inside = await lookInside(source, first.packing);
    return { finding: inside.finding, about: await aboutImage(inside.finding, rangesOf(inside.head)), sizeBytes, diskBytes: inside.diskBytes };
  }
  if (first.problem) throw new HayloftError(first.problem.code, first.problem.message, { hint: first.problem.hint, field: 'url' });
  const about = await aboutImage(first, parts ? partsOf(url, head, signal) : rangesOf(head)).catch((): ImageAbout => ({}));
  const virtual = first.virtualSizeBytes ?? about.virtualSizeBytes;
  const plain = first.kind === 'iso' || first.format === 'raw';
  return { finding: first, about, sizeBytes, diskBytes: plain ? sizeBytes : virtual };
}

/** @returns a short text from a web server. @throws HayloftError `unreachable`, `not-found` */
export async function readText(url: URL, signal: AbortSignal): Promise<string> {
  return new TextDecoder().decode((await readPart(url, 0, mostTextBytes, signal)).bytes);
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** A lying disc does not make us ask on and on: then there is nothing to read any more. */
function partsOf(url: URL, head: Uint8Array, signal: AbortSignal): ReadRange {
  let left = mostParts;
  return async (offset, length) => {
    if (offset + length <= head.length) return head.subarray(offset, offset + length);
    if (left-- <= 0) return new Uint8Array();
    return (await readPart(url, offset, Math.min(length, mostPartBytes), signal)).bytes;
  };
}

/** Reads a part, and no more of it where the server sends all. `parts`: it gives parts. */
async function readPart(url: URL, offset: number, length: number, signal: AbortSignal): Promise<{ bytes: Uint8Array; sizeBytes: number | undefined; parts: boolean }> {
  const ending = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  let response: Response;
  try {
    const headers = { range: `bytes=${offset}-${offset + length - 1}`, 'accept-encoding': 'identity' };
    response = await fetch(url, { headers, signal: ending });
  } catch (error) {
    throw unreachable(url, signal, error);
  }
  try {
    // An empty file has no part of it.
    if (response.status === 416) return { bytes: new Uint8Array(), sizeBytes: totalOf(response), parts: true };
    if (!response.ok) {
      throw new HayloftError(response.status >= 500 ? 'unreachable' : 'not-found', `${url.host} answered ${response.status} for ${url.pathname}.`, {
        hint: 'Open the address in a browser: it must lead to the image itself.',
        retryable: response.status >= 500,
        field: 'url',
      });
    }
    const parts = response.status === 206;
    const sizeBytes = parts ? totalOf(response) : numberOf(response.headers.get('content-length'));
    if (!parts && offset > 0) return { bytes: new Uint8Array(), sizeBytes, parts };
    return { bytes: await firstOf(response, length), sizeBytes, parts };
  } catch (error) {
    throw error instanceof HayloftError ? error : unreachable(url, signal, error);
  } finally {
    await response.body?.cancel().catch(() => undefined);
  }
}

async function firstOf(response: Response, length: number): Promise<Uint8Array> {
  const found: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    found.push(chunk);
    bytes += chunk.length;
    if (bytes >= length) break;
  }
  return Buffer.concat(found).subarray(0, length);
}

const totalOf = (response: Response): number | undefined => numberOf(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]);
const numberOf = (text: string | null | undefined): number | undefined => (text == null || !/^\d+$/.test(text) ? undefined : Number(text));

function unreachable(url: URL, signal: AbortSignal, cause: unknown): Error {
  if (signal.aborted) return signal.reason as Error;
  return new HayloftError('unreachable', `${url.host} does not answer this computer.`, { hint: 'Check the address and the connection.', retryable: true, field: 'url', cause });
}
