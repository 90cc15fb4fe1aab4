/** The engine has one user, who has one token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export type Identity = 'owner' | 'anonymous' | 'stranger';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * @param token what the owner carries
 * @returns a function that tells who sends a request: `stranger` came with a wrong token, `anonymous` with none.
 *   The time that it takes tells nothing about the token.
 */
export function authenticator(token: string): (request: Pick<IncomingMessage, 'headers'>) => Identity {
  const expected = digest(token);
  return ({ headers }) => {
    if (headers.authorization === undefined) return 'anonymous';
    const given = /^Bearer +(\S+) *$/i.exec(headers.authorization)?.[1] ?? '';
    return timingSafeEqual(digest(given), expected) ? 'owner' : 'stranger';
  };
}
