/** Signing in to the web host: the token in the address is exchanged for a cookie and leaves the address. */
import { HayloftError } from '#shared/contract/errors.ts';

/** @throws HayloftError `unauthorized` without a valid token or cookie; a fetch error when nobody answers */
export async function signIn(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) {
    history.replaceState(null, '', `${location.pathname}#/`);
    const answer = await fetch('/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) return;
  }
  const session = await fetch('/session');
  if (!session.ok) throw new HayloftError('unauthorized', 'This browser is not signed in.');
}
