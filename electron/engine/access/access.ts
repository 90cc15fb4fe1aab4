/** Who may come in and do what: tokens, roles, and what is open under each token. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EXPORT_TOKEN_HEADER } from '#shared/kube/export.ts';
import { unauthorized } from '../api/errors.ts';
import type { Log } from '../context.ts';
import type { Resources } from '../store/resources.ts';
import { attributesOf, forbidden, type Attributes } from './attributes.ts';
import { Authority } from './authority.ts';
import { FailedLogins } from './failed-logins.ts';
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
   * @throws ApiError 401 for who is not known, 403 for who may not act as somebody else, 429 for who was wrong too often
   */
  identify(request: IncomingMessage): Promise<Caller | undefined>;
  /**
   * For a request whose handler looks at its token itself: counts a 401 as a failed login.
   * @throws ApiError 429 for who was wrong too often
   */
  observe(request: IncomingMessage, response: ServerResponse): void;
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
  /** Too many failed logins came from somewhere. */
  suspicious?: (source: string) => void;
  log: Log;
}

export function createAccess({ resources, ownerToken, suspicious, log }: AccessOptions): Access {
  const sessions = new Sessions();
  const authority = new Authority(resources);
  const tokens = new Tokens({ resources, ownerToken, log, ended: (credential) => sessions.end(credential) });
  const failedLogins = new FailedLogins({
    blocked: (source, ms) => {
      log.warn('Too many failed logins: an address is turned away', { source, seconds: ms / 1000 });
      suspicious?.(source);
    },
  });
  const check = (user: User, wanted: Attributes): void => {
    const { allowed, reason } = authority.decide(user, wanted);
    if (!allowed) throw forbidden(user, wanted, reason);
  };
  return {
    authority,
    tokens,
    identify: async ({ headers, socket }) => {
      if (headers.authorization === undefined) return undefined;
      const { remoteAddress } = socket;
      failedLogins.check(remoteAddress);
      const bearer: Bearer | undefined = tokens.bearerOf(bearerToken(headers.authorization) ?? '', remoteAddress ?? 'this computer');
      if (!bearer) {
        await failedLogins.failed(remoteAddress);
        throw unauthorized();
      }
      return { user: impersonated(bearer.user, headers, check), credential: bearer.credential };
    },
    observe: ({ headers, socket: { remoteAddress } }, response) => {
      if (headers.authorization === undefined && headers[EXPORT_TOKEN_HEADER] === undefined) return;
      failedLogins.check(remoteAddress);
      response.once('finish', () => {
        // What is to be late or refused is the next one: this one is answered.
        if (response.statusCode === 401) void failedLogins.failed(remoteAddress).catch(() => undefined);
      });
    },
    check: ({ user }, method, path, query) => check(user, attributesOf(method, path, query)),
    track: ({ credential }, end) => sessions.add(credential, end),
    stop: () => {
      tokens.stop();
      authority.stop();
    },
  };
}
