/** Waiting for a condition instead of for a time. */

/**
 * Asks again and again, with a short pause, until the answer is yes.
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
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
