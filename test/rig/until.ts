/** Waiting for a condition instead of for a time. */

/**
 * Asks again and again until the answer is yes, with a short pause, or one that is as much longer as asking is dear: a
 * guest boots slowly when a `kubectl` is always running beside it.
 * @param what the end of the sentence "waited in vain for …"
 * @param limitMs how long to wait at most
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 60_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const asked = performance.now();
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    const now = performance.now();
    if (now > end) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, Math.min(1000, Math.max(25, 2 * (now - asked)))));
  }
}
