/**
 * Sends an image's bytes to CDI's upload proxy (CDI's doc/upload.md). Where the proxy can go on after a break, as the
 * engine's can, a lost connection is waited for and the upload goes on from the last byte that was stored.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { asHayloftError, type HayloftError } from '#shared/contract/errors.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { AnswerError } from '../clusters/api-errors.ts';
import { isPassing } from './cdi/answers.ts';
import { sendWhole } from './cdi/send-whole.ts';
import { sendRequest } from './send-request.ts';
import { askOffset, proxyOptions, sourceHeaders, uploadProxy, uploadToken, type SendTarget, type SourceFile, type UploadOffset, type UploadProxy } from './upload-proxy.ts';
import type { UploadSource } from './upload-source.ts';

export type { SendTarget } from './upload-proxy.ts';

/** How long a proxy that is gone is waited for without a byte's progress. */
const patienceMs = 10 * 60_000;
const firstWaitMs = 250;
const longestWaitMs = 5000;
const followEveryMs = 250;
/** Tokens of an engine that began anew are refused; one refused after the other is no matter of their age. */
const mostTokens = 3;
const unauthorized = 401;

export interface SendOptions {
  signal: AbortSignal;
  /** Called with the number of bytes handed to the network so far; fewer than before where some have to go again. */
  progress: (sentBytes: number) => void;
  /** Told before the first byte whether the cluster could go on in the middle after a break. */
  goesOn?: (can: boolean) => void;
  /** Told of what ended a try, and what is done instead of going on, as a sentence. */
  retrying?: (error: HayloftError, instead?: string) => void;
}

/**
 * Resolves when the proxy has stored and checked everything.
 * @param client the cluster's client now; asked again after a break
 */
export async function sendImage(client: () => Promise<ApiClient>, target: SendTarget, source: UploadSource, options: SendOptions): Promise<void> {
  const api = await client();
  const proxy = await uploadProxy(api);
  const token = await uploadToken(api, target);
  // Bytes that come but once cannot be sent again; and whoever tells no offset is sent the whole, as CDI wants it.
  const begun = source.chunksFrom === undefined ? undefined : await askOffset(api, proxy, token);
  options.goesOn?.(begun !== undefined);
  if (begun === undefined) {
    await sendWhole(client, target, source, options, { proxy, token });
    return;
  }
  // Its disk is made: an earlier run of the app was ended before it heard of that.
  if (begun.complete) return;
  const next = { ...begun, token, api, proxy };
  for (let failures = 0, tokens = 0, since = performance.now(); ; ) {
    try {
      await sendRest(next, source, options);
      return;
    } catch (error) {
      const expired = error instanceof AnswerError && error.httpStatus === unauthorized && (tokens += 1) < mostTokens;
      if (options.signal.aborted || !(expired || isPassing(error))) throw error;
      options.retrying?.(asHayloftError(error));
      const before = next.offset;
      for (;;) {
        if (performance.now() - since > patienceMs) throw error;
        await delay(Math.min(longestWaitMs, firstWaitMs * 2 ** failures), undefined, { signal: options.signal }).catch(() => undefined);
        options.signal.throwIfAborted();
        failures += 1;
        const found = await findAgain(client, target, options.signal);
        if (found === undefined) continue;
        if (found.complete) return;
        Object.assign(next, found);
        break;
      }
      if (next.offset > before) {
        [failures, tokens] = [0, 0];
        since = performance.now();
      }
      options.progress(next.offset);
    }
  }
}

/** From `offset` on: names the file to whoever can read it, else sends the bytes. */
async function sendRest(next: Next, source: UploadSource, options: SendOptions): Promise<void> {
  const { api, proxy, token, offset } = next;
  const { file, sizeBytes } = source;
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/partial-upload',
    'upload-offset': offset,
    'upload-length': sizeBytes,
    'upload-complete': '?1',
  };
  const patch = (more: Record<string, string | number>, body: { chunks: AsyncIterable<Uint8Array>; to: number }): Promise<void> => {
    const request = api.request(`${proxy.url}/v1beta1/upload`, { method: 'PATCH', ...proxyOptions(proxy), headers: { ...headers, ...more }, signal: options.signal });
    return sendRequest(request, proxy.url, { ...body, from: offset }, options);
  };
  if (file !== undefined && next.takesFiles) {
    const stop = followCopy(next, file, options);
    try {
      await patch({ ...sourceHeaders(file), 'content-length': 0 }, { chunks: nothing(), to: offset });
      return;
    } catch (error) {
      // An engine that runs as a service may be kept out of people's folders.
      if (asHayloftError(error).code !== 'not-found') throw error;
    } finally {
      stop();
    }
  }
  await patch({ 'content-length': sizeBytes - offset }, { chunks: source.chunksFrom?.(offset) ?? source.chunks(), to: sizeBytes });
}

/** The bytes of an empty body. */
async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Tells how far a copy has come, until stopped. @returns ends it */
function followCopy({ api, proxy, token }: Next, file: SourceFile, { progress }: SendOptions): () => void {
  let asking = false;
  let stopped = false;
  const timer = setInterval(() => {
    if (asking) return;
    asking = true;
    askOffset(api, proxy, token, file)
      // The copy's own answer tells what went wrong.
      .then((found) => stopped || found === undefined || found.complete || progress(found.offset), () => undefined)
      .finally(() => (asking = false));
  }, followEveryMs);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}

/** Where the upload goes on. */
interface Next extends UploadOffset {
  api: ApiClient;
  proxy: UploadProxy;
  token: string;
}

/** @returns where the upload goes on; undefined when nobody can say yet */
async function findAgain(client: () => Promise<ApiClient>, target: SendTarget, signal: AbortSignal): Promise<Next | undefined> {
  try {
    const api = await client();
    const proxy = await uploadProxy(api);
    // Tokens of an engine that is gone are no longer taken.
    const token = await uploadToken(api, target);
    const told = await askOffset(api, proxy, token);
    return told && { api, proxy, token, ...told };
  } catch (error) {
    if (!signal.aborted && (isPassing(error) || asHayloftError(error).retryable)) return undefined;
    throw error;
  }
}
