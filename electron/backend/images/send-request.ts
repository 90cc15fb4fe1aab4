/** One request of an upload: a stretch of the file, as fast as the network takes it. */
import type { ClientRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { HayloftError } from '#shared/contract/errors.ts';
import { fileChanged } from '#shared/images/file-changed.ts';
import { abortReason } from '../clusters/api-client.ts';
import { errorFromAnswer, errorFromNetwork } from '../clusters/api-errors.ts';

export interface SendBody {
  chunks: AsyncIterable<Uint8Array>;
  /** The stretch of the file that the chunks are: from its first byte on, up to before `to`. */
  from: number;
  to: number;
}

/** So long may nothing be taken before the connection counts as lost: a computer that slept, a router that forgot it. */
const stalledMs = 60_000;
const lookEveryMs = 5000;
/** After this long without a byte the system asks whether the far side is still there. */
const aliveProbeMs = 10_000;

/**
 * @param request begun, nothing written to it yet
 * @param url where it goes, for messages
 * @returns resolves when the answer says that all is well. Throws a HayloftError.
 */
export async function sendRequest(
  request: ClientRequest,
  url: string,
  sending: SendBody,
  options: { signal: AbortSignal; progress: (sentBytes: number) => void },
): Promise<void> {
  const over = new AbortController();
  let responded = false;
  request.on('socket', (socket) => socket.setKeepAlive(true, aliveProbeMs));
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
    await write(request, url, sending, options.progress, over.signal);
    if (!over.signal.aborted) request.end();
    await answered;
  } finally {
    request.destroy();
  }
}

/** Hands all bytes to the network; stops early when `over` aborts. */
async function write(request: ClientRequest, url: string, { chunks, from, to }: SendBody, progress: (sentBytes: number) => void, over: AbortSignal): Promise<void> {
  const ended = new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  let sent = from;
  let taken: Promise<unknown> = Promise.resolve();
  let [waitsSince, waits] = [performance.now(), false];
  const watch = setInterval(() => {
    if (waits && performance.now() - waitsSince > stalledMs) request.destroy(stalled(url));
  }, lookEveryMs);
  try {
    for await (const chunk of chunks) {
      if (over.aborted) return;
      sent += chunk.byteLength;
      if (sent > to) break;
      // One chunk is on its way while the next is read.
      const before = taken;
      taken = new Promise((resolve) => request.write(chunk, resolve));
      [waitsSince, waits] = [performance.now(), true];
      await Promise.race([before, ended]);
      waits = false;
      progress(sent);
    }
    // The last one may stand still, too.
    [waitsSince, waits] = [performance.now(), true];
    if (sent === to) await Promise.race([taken, ended]);
  } finally {
    clearInterval(watch);
  }
  if (sent !== to && !over.aborted) throw fileChanged();
}

const stalled = (url: string): HayloftError =>
  new HayloftError('connection-lost', `Nothing has got through to ${new URL(url).host} for a minute.`, { hint: 'Check the network between here and the cluster.', retryable: true });
