/**
 * Sends an image to a proxy that cannot go on in the middle, as CDI's cannot (CDI's doc/upload.md): what was cut off is sent
 * again from its first byte, with a new token and the reason said.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HayloftError } from '#shared/contract/errors.ts';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { ApiClient } from '../../clusters/api-client.ts';
import { dataVolumes, pathOf } from '../../clusters/kinds.ts';
import type { SendOptions } from '../send.ts';
import { sendRequest } from '../send-request.ts';
import { proxyOptions, takesAsync, uploadProxy, uploadToken, type SendTarget, type UploadProxy } from '../upload-proxy.ts';
import type { UploadSource } from '../upload-source.ts';
import { judge, type Verdict } from './answers.ts';

/** How often bytes are sent from the beginning; tries on which none came through are not counted. */
const mostSendings = 4;
/** How long a proxy that takes nothing is waited for. */
const patienceMs = 10 * 60_000;
const firstWaitMs = 250;
const longestWaitMs = 5000;
/** Tokens that are refused one after the other, before it is no matter of their age. */
const mostTokens = 3;

/** @param first the proxy and token that were asked for offsets already. Throws a HayloftError. */
export async function sendWhole(client: () => Promise<ApiClient>, target: SendTarget, source: UploadSource, options: SendOptions, first: { proxy: UploadProxy; token: string }): Promise<void> {
  const { signal } = options;
  const refused = new Set<string>();
  let now: { proxy: UploadProxy; token: string } | undefined = first;
  let since = performance.now();
  for (let sendings = 1, waits = 0, tokens = 0; ; ) {
    let sent = 0;
    let verdict: Verdict;
    const progress = (bytes: number): void => options.progress((sent = bytes));
    try {
      now ??= await begin(client, target, refused);
      if (now === undefined) return;
      await post(await client(), now, source, { signal, progress });
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      verdict = judge(error);
    }
    const { what, error } = verdict;
    if (what === 'over') return;
    const sentSome = sent > 0;
    // What comes but once is gone with the first of it.
    if (what === 'fail' || (sentSome && source.chunksFrom === undefined)) throw error;
    if (sentSome) since = performance.now();
    if (what === 'token' && (tokens += 1) >= mostTokens) throw error;
    if (what === 'door' && now) refused.add(now.proxy.url);
    if (what === 'again' && sentSome && (sendings += 1) > mostSendings) throw givenUp(error);
    if (performance.now() - since > patienceMs) throw error;
    options.retrying?.(error, insteadOf(what, sentSome));
    options.progress(0);
    now = undefined;
    if (what === 'token' || what === 'door') continue;
    await delay(Math.min(longestWaitMs, firstWaitMs * 2 ** waits++), undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}

/** @returns undefined where the volume has all by now: only the answer was lost */
async function begin(client: () => Promise<ApiClient>, target: SendTarget, refused: ReadonlySet<string>): Promise<{ proxy: UploadProxy; token: string } | undefined> {
  const api = await client();
  const volume = await api.call<DataVolume>('GET', pathOf(dataVolumes, target.namespace, target.claim));
  if (volume.status?.phase === 'Succeeded') return undefined;
  return { proxy: await uploadProxy(api, refused), token: await uploadToken(api, target) };
}

async function post(client: ApiClient, { proxy, token }: { proxy: UploadProxy; token: string }, source: UploadSource, options: { signal: AbortSignal; progress: (sentBytes: number) => void }): Promise<void> {
  const url = `${proxy.url}/v1beta1/upload${(await takesAsync(client, proxy)) ? '-async' : ''}`;
  const request = client.request(url, {
    method: 'POST',
    ...proxyOptions(proxy),
    // A server that is told that the connection ends here closes it with its refusal, which then is lost among the bytes.
    headers: { connection: 'keep-alive', authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream', 'content-length': source.sizeBytes },
    signal: options.signal,
  });
  await sendRequest(request, proxy.url, { chunks: source.chunks(), from: 0, to: source.sizeBytes }, options);
}

function insteadOf(what: Verdict['what'], sentSome: boolean): string | undefined {
  if (what === 'door') return 'Another way is tried.';
  return sentSome ? 'This cluster cannot go on in the middle, so all of it is sent again.' : undefined;
}

const givenUp = (error: HayloftError): HayloftError =>
  new HayloftError(error.code, `${error.message} All of it was sent ${mostSendings} times, and was cut off each time.`, {
    hint: 'Let the cluster fetch the file from this computer instead: what is cut off then goes on in the middle.',
    retryable: true,
    cause: error,
  });
