/** One request of an upload: a stretch of the file, as fast as the network takes it. */
import type { ClientRequest, OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileChanged } from '#shared/images/file-changed.ts';
import { abortReason, type ApiClient } from '../clusters/api-client.ts';
import { errorFromAnswer, errorFromNetwork } from '../clusters/api-errors.ts';
import type { UploadProxy } from './upload-proxy.ts';

export interface SendRequest {
  method: 'POST' | 'PATCH';
  headers: OutgoingHttpHeaders;
  chunks: AsyncIterable<Uint8Array>;
  /** The stretch of the file that the chunks are: from its first byte on, up to before `to`. */
  from: number;
  to: number;
}

/** Resolves when the answer says that all is well. Throws a HayloftError. */
export async function sendRequest(
  client: ApiClient,
  { url, ca }: UploadProxy,
  sending: SendRequest,
  options: { signal: AbortSignal; progress: (sentBytes: number) => void },
): Promise<void> {
  const request = client.request(`${url}/v1beta1/upload`, {
    method: sending.method,
    ...(ca === undefined ? {} : { ca }),
    headers: { 'content-type': 'application/octet-stream', ...sending.headers },
    signal: options.signal,
  });
  const over = new AbortController();
  let responded = false;
  const answered = new Promise<void>((resolve, reject) => {
    request.on('response', (response) => {
      responded = true;
      // The answer may come while bytes are still on the way: a refusal ends the sending.
      over.abort();
      const status = response.statusCode ?? 0;
      text(response).then(
        (body) => (status >= 200 && status < 300 ? resolve() : reject(errorFromAnswer(status, body))),
        (error: unknown) => reject(errorFromNetwork(error, url)),
      );
    });
    request.on('error', (error) => {
      over.abort();
      reject(options.signal.aborted ? abortReason(options.signal) : errorFromNetwork(error, url));
    });
    // Whoever closes without an answer and without an error has gone, too; an answer may still be being read.
    request.on('close', () => {
      over.abort();
      if (!responded) reject(errorFromNetwork(Object.assign(new Error('closed'), { code: 'ECONNRESET' }), url));
    });
  });
  answered.catch(() => undefined);
  try {
    await write(request, sending, options.progress, over.signal);
    if (!over.signal.aborted) request.end();
    await answered;
  } finally {
    request.destroy();
  }
}

/** Hands all bytes to the network; stops early when `over` aborts. */
async function write(
  request: ClientRequest,
  { chunks, from, to }: SendRequest,
  progress: (sentBytes: number) => void,
  over: AbortSignal,
): Promise<void> {
  const ended = new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  let sent = from;
  let taken: Promise<unknown> = Promise.resolve();
  for await (const chunk of chunks) {
    if (over.aborted) return;
    sent += chunk.byteLength;
    if (sent > to) break;
    // One chunk is on its way while the next is read.
    const before = taken;
    taken = new Promise((resolve) => request.write(chunk, resolve));
    await Promise.race([before, ended]);
    progress(sent);
  }
  if (sent !== to && !over.aborted) throw fileChanged();
}
