/** Goes on after breaks: the network is gone for a while, the computer slept, the engine began anew. */
import { setTimeout as delay } from 'node:timers/promises';
import { asHayloftError } from '#shared/contract/errors.ts';
import { abortReason } from '../clusters/api-client.ts';
import { errorFromNetwork } from '../clusters/api-errors.ts';

/** How long is tried without getting any further. */
const patienceMs = 10 * 60_000;
const firstWaitMs = 250;
const longestWaitMs = 5000;
const passing: readonly string[] = ['connection-lost', 'unreachable', 'timeout', 'engine-not-running'];
/** What Node's sockets and streams say when a connection breaks. */
const broken = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNABORTED', 'ETIMEDOUT']);

/**
 * @param server for the words of an error
 * @param attempt is given what to call whenever it gets further
 */
export async function patiently<T>(server: string, signal: AbortSignal, attempt: (moved: () => void) => Promise<T>): Promise<T> {
  let failures = 0;
  let since = performance.now();
  const moved = (): void => {
    failures = 0;
    since = performance.now();
  };
  for (;;) {
    try {
      return await attempt(moved);
    } catch (error) {
      refuseEnded(signal);
      const code = (error as { code?: string }).code ?? '';
      const known = broken.has(code) ? errorFromNetwork(error, server) : error;
      if (!passing.includes(asHayloftError(known).code) || performance.now() - since > patienceMs) throw known;
      await delay(Math.min(longestWaitMs, firstWaitMs * 2 ** failures), undefined, { signal }).catch(() => undefined);
      failures += 1;
      refuseEnded(signal);
    }
  }
}

function refuseEnded(signal: AbortSignal): void {
  if (signal.aborted) throw abortReason(signal);
}
