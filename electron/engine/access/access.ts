/** Who may come in and do what: tokens, roles, and what is open under each token. */
import type { IncomingMessage } from 'node:http';
import { unauthorized } from '../api/errors.ts';
import type { Log } from '../context.ts';
import type { Resources } from '../store/resources.ts';
import { attributesOf, forbidden, type Attributes } from './attributes.ts';
import { Authority } from './authority.ts';
import { impersonated } from './impersonation.ts';
import { Sessions } from './sessions.ts';
import { bearerToken } from './token-text.ts';
import { Tokens, type Bearer } from './tokens.ts';
import type { User } from './user.ts';

export interface Caller {
  user: User;
  /** See {@link Bearer}. */
  credential: string | undefined;
}

/** What the API server asks before it answers. */
export interface AccessControl {
  /**
   * @returns undefined when nobody says who he is
   * @throws ApiError 401 for who is not known, 403 for who may not act as somebody else
   */
  identify(request: IncomingMessage): Caller | undefined;
  /** @throws ApiError 403 */
  check(caller: Caller, method: string, path: string, query: URLSearchParams): void;
  /** Calls `end` when the caller's token is revoked or expires, until the returned function is called. */
  track(caller: Caller, end: () => void): () => void;
}

export interface Access extends AccessControl {
  authority: Authority;
  tokens: Tokens;
  stop(): void;
}

export interface AccessOptions {
  resources: Resources;
  ownerToken: string;
  log: Log;
}

export function createAccess({ resources, ownerToken, log }: AccessOptions): Access {
  const sessions = new Sessions();
  const authority = new Authority(resources);
  const tokens = new Tokens({ resources, ownerToken, log, ended: (credential) => sessions.end(credential) });
  const check = (user: User, wanted: Attributes): void => {
    const { allowed, reason } = authority.decide(user, wanted);
    if (!allowed) throw forbidden(user, wanted, reason);
  };
  return {
    authority,
    tokens,
    identify: ({ headers, socket }) => {
      if (headers.authorization === undefined) return undefined;
      const bearer: Bearer | undefined = tokens.bearerOf(bearerToken(headers.authorization) ?? '', socket.remoteAddress ?? 'this computer');
      if (!bearer) throw unauthorized();
      return { user: impersonated(bearer.user, headers, check), credential: bearer.credential };
    },
    check: ({ user }, method, path, query) => check(user, attributesOf(method, path, query)),
    track: ({ credential }, end) => sessions.add(credential, end),
    stop: () => {
      tokens.stop();
      authority.stop();
    },
  };
}
