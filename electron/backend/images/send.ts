/**
 * Sends an image's bytes to CDI's upload proxy (CDI's doc/upload.md). Where the proxy can go on after a break, as the
 * engine's can, a lost connection is waited for and the upload goes on from the last byte that was stored.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { asHayloftError } from '#shared/contract/errors.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { askOffset, uploadProxy, uploadToken, type SendTarget } from './upload-proxy.ts';
import { sendRequest } from './send-request.ts';
import type { UploadSource } from './upload-source.ts';

export type { SendTarget } from './upload-proxy.ts';

/** How long a proxy that is gone is waited for without a byte's progress. */
const patienceMs = 10 * 60_000;
const firstWaitMs = 250;
const longestWaitMs = 5000;
/** What may be over in a moment: the network is gone, or the engine begins anew. */
const passing: readonly string[] = ['connection-lost', 'unreachable', 'timeout', 'engine-not-running'];

export interface SendOptions {
  signal: AbortSignal;
  /** Called with the number of bytes handed to the network so far; fewer than before where some have to go again. */
  progress: (sentBytes: number) => void;
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
  if (begun === undefined || source.chunksFrom === undefined) {
    await sendRequest(api, proxy, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-length': source.sizeBytes },
      chunks: source.chunks(),
      from: 0,
      to: source.sizeBytes,
    }, options);
    return;
  }
  const next = { offset: begun.offset, token, api, proxy };
  for (let failures = 0, since = performance.now(); ; ) {
    try {
      await sendRequest(next.api, next.proxy, {
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${next.token}`,
          'content-type': 'application/partial-upload',
          'content-length': source.sizeBytes - next.offset,
          'upload-offset': next.offset,
          'upload-length': source.sizeBytes,
          'upload-complete': '?1',
        },
        chunks: source.chunksFrom(next.offset),
        from: next.offset,
        to: source.sizeBytes,
      }, options);
      return;
    } catch (error) {
      if (!isPassing(error, options.signal)) throw error;
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
        failures = 0;
        since = performance.now();
      }
      options.progress(next.offset);
    }
  }
}

const isPassing = (error: unknown, signal: AbortSignal): boolean => !signal.aborted && passing.includes(asHayloftError(error).code);

interface Found {
  api: ApiClient;
  proxy: Awaited<ReturnType<typeof uploadProxy>>;
  token: string;
  offset: number;
  complete: boolean;
}

/** @returns where the upload goes on; undefined when nobody can say yet */
async function findAgain(client: () => Promise<ApiClient>, target: SendTarget, signal: AbortSignal): Promise<Found | undefined> {
  try {
    const api = await client();
    const proxy = await uploadProxy(api);
    // Tokens of an engine that is gone are no longer taken.
    const token = await uploadToken(api, target);
    const told = await askOffset(api, proxy, token);
    return told && { api, proxy, token, ...told };
  } catch (error) {
    if (isPassing(error, signal) || asHayloftError(error).retryable) return undefined;
    throw error;
  }
}
