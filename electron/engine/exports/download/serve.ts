/** Answers a download: the disk raw, in whole or in part, or packed by gzip. */
import { statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { OfferedVolume } from '../source.ts';
import { openDisk } from './nbd-server.ts';
import { gzipBytes, rawBytes } from './pieces.ts';
import { partOf } from './range.ts';

export interface DownloadInput {
  request: IncomingMessage;
  response: ServerResponse;
  dataDir: string;
  volume: Pick<OfferedVolume, 'path' | 'format'>;
  format: 'raw' | 'gzip';
  /** Ends it: the connection is then cut, so that nobody takes a part for the whole. */
  signal: AbortSignal;
}

/** Resolves when it is over, however it ended. @throws HayloftError as long as nothing was sent */
export async function serveDownload({ request, response, dataDir, volume, format, signal }: DownloadInput): Promise<void> {
  const { reader, close } = await openDisk(dataDir, volume, signal);
  // A client that leaves ends it, even while it waits for the disk.
  response.once('close', close);
  try {
    const { sizeBytes } = reader;
    const send = (bytes: AsyncGenerator<Buffer>): Promise<void> => pipeline(Readable.from(bytes, { objectMode: false }), response, { signal });
    const head = { 'content-type': format === 'raw' ? 'application/octet-stream' : 'application/gzip' };
    if (format === 'gzip') {
      response.writeHead(200, head);
      if (request.method === 'HEAD') response.end();
      else await send(gzipBytes(reader, sizeBytes));
      return;
    }
    const etag = tagOf(volume.path, sizeBytes);
    const ifRange = request.headers['if-range'];
    const part = ifRange === undefined || ifRange === etag ? partOf(request.headers.range, sizeBytes) : undefined;
    if (part === 'unsatisfiable') {
      response.writeHead(416, { 'content-range': `bytes */${sizeBytes}` }).end();
      return;
    }
    const { begin, end } = part ?? { begin: 0, end: sizeBytes };
    response.writeHead(part ? 206 : 200, {
      ...head,
      etag,
      'accept-ranges': 'bytes',
      'content-length': end - begin,
      ...(part ? { 'content-range': `bytes ${begin}-${end - 1}/${sizeBytes}` } : {}),
    });
    if (request.method === 'HEAD') response.end();
    else await send(rawBytes(reader, begin, end));
  } finally {
    close();
  }
}

/** A disk that was written to since is another one. */
function tagOf(path: string, sizeBytes: number): string {
  const { mtimeMs, ino } = statSync(path);
  return `"${basename(path)}-${ino}-${Math.round(mtimeMs)}-${sizeBytes}"`;
}
