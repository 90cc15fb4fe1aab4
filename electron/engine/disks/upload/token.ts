/** Upload tokens: JWTs (HMAC-SHA256) that let their bearer fill one claim, for five minutes. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const lifetimeSeconds = 5 * 60;

export interface UploadTarget {
  namespace: string;
  claimName: string;
}

export interface UploadTokens {
  issue(target: UploadTarget): string;
  /** Undefined when the token is not ours, was changed, or has expired. */
  verify(token: string): UploadTarget | undefined;
}

interface Claims {
  namespace: string;
  pvcName: string;
  /** Seconds since 1970. */
  exp: number;
}

/**
 * The key lives as long as the engine: a token from before a restart is no longer taken, and clients ask for a new one.
 * @param now milliseconds since 1970
 */
export function createUploadTokens(now: () => number = Date.now): UploadTokens {
  const key = randomBytes(32);
  const sign = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = encode({ alg: 'HS256', typ: 'JWT' });
  return {
    issue: ({ namespace, claimName }) => {
      const claims: Claims = { namespace, pvcName: claimName, exp: Math.floor(now() / 1000) + lifetimeSeconds };
      const text = `${header}.${encode(claims)}`;
      return `${text}.${sign(text)}`;
    },
    verify: (token) => {
      const end = token.lastIndexOf('.');
      const given = Buffer.from(token.slice(end + 1));
      const right = Buffer.from(sign(token.slice(0, end)));
      if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims;
      return claims.exp * 1000 < now() ? undefined : { namespace: claims.namespace, claimName: claims.pvcName };
    },
  };
}
