/** Tokens as texts: what their bearer sends, and what is kept of them. */
import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits; the prefix lets scanners of files and logs know it for a secret. */
export const newToken = (): string => `hayloft_${randomBytes(32).toString('base64url')}`;

/** A random text of this length needs no slow hash: there is nothing to guess. */
export const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** What an Authorization header carries; undefined when it carries no token. */
export const bearerToken = (header: string): string | undefined => /^Bearer +(\S+) *$/i.exec(header)?.[1];
