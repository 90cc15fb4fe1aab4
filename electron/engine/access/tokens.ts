/** Knows every token by its digest: whose it is, until when, and when it was last seen. */
import { timingSafeEqual } from 'node:crypto';
import type { Log } from '../context.ts';
import { timestamp } from '../store/keys.ts';
import type { Resources } from '../store/resources.ts';
import { accessTokens, type AccessToken } from './definitions/access-token.ts';
import { serviceAccounts } from './definitions/service-account.ts';
import { digestOf } from './token-text.ts';
import { owner, serviceAccountUser, type User } from './user.ts';

/** Each use told would be a write a request. */
const lastUsedEveryMs = 5 * 60_000;
/** The longest that a timer can be set to. */
const longestTimerMs = 2 ** 31 - 1;

export interface Bearer {
  user: User;
  /** Of the AccessToken; undefined for the owner's own. */
  credential: string | undefined;
}

interface Known {
  digest: Buffer;
  namespace: string;
  name: string;
  account: string;
  /** Milliseconds since 1970. */
  expires: number;
  told: number;
}

export interface TokensOptions {
  resources: Resources;
  /** The token in the data folder. */
  ownerToken: string;
  /** A token is not good any more: what it opened is to end. */
  ended(credential: string | undefined): void;
  log: Log;
}

export class Tokens {
  readonly #options: TokensOptions;
  readonly #known = new Map<string, Known>();
  readonly #unsubscribe: () => void;
  #owner: Buffer;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TokensOptions) {
    this.#options = options;
    this.#owner = digestOf(options.ownerToken);
    for (const token of options.resources.list(accessTokens)) this.#learn(token);
    this.#unsubscribe = options.resources.subscribe<AccessToken>(accessTokens, ({ type, object }) => {
      if (type === 'DELETED') this.#forget(object.metadata.uid ?? '');
      else this.#learn(object);
      this.#wake();
    });
    this.#wake();
  }

  stop(): void {
    this.#unsubscribe();
    clearTimeout(this.#timer);
  }

  /**
   * Whose token it is. Every digest is compared, each in constant time: how long that takes says how many tokens there
   * are, and nothing of what is in them.
   * @param from address that it came from, to be told with the token
   */
  bearerOf(token: string, from: string): Bearer | undefined {
    const digest = digestOf(token);
    let found: [string, Known] | undefined;
    for (const entry of this.#known) if (timingSafeEqual(entry[1].digest, digest)) found = entry;
    if (timingSafeEqual(this.#owner, digest)) return { user: owner, credential: undefined };
    if (!found || found[1].expires <= Date.now()) return undefined;
    const [uid, { namespace, name, account }] = found;
    const of = this.#options.resources.get(serviceAccounts, namespace, account);
    if (!of || of.metadata.deletionTimestamp !== undefined) return undefined;
    this.#noteUse(found[1], from);
    return { user: serviceAccountUser(namespace, account, of.metadata.uid, name), credential: uid };
  }

  /** Takes another owner's token from now on; what the one before opened ends. */
  replaceOwner(token: string): void {
    this.#owner = digestOf(token);
    this.#options.ended(undefined);
  }

  #learn({ metadata, spec, status }: AccessToken): void {
    const uid = metadata.uid ?? '';
    if (metadata.deletionTimestamp !== undefined) {
      this.#forget(uid);
      return;
    }
    this.#known.set(uid, {
      digest: Buffer.from(spec.digest, 'hex'),
      namespace: metadata.namespace ?? '',
      name: metadata.name ?? '',
      account: spec.serviceAccountName,
      expires: spec.expirationTimestamp === undefined ? Infinity : Date.parse(spec.expirationTimestamp),
      told: status?.lastUsedTime === undefined ? 0 : Date.parse(status.lastUsedTime),
    });
  }

  #forget(uid: string): void {
    if (this.#known.delete(uid)) this.#options.ended(uid);
  }

  /** Deletes what has expired, now and when the next one does. */
  #wake(): void {
    clearTimeout(this.#timer);
    const now = Date.now();
    let next = Infinity;
    for (const [uid, { namespace, name, expires }] of this.#known) {
      if (expires > now) next = Math.min(next, expires);
      else this.#drop(uid, namespace, name);
    }
    if (next === Infinity) return;
    this.#timer = setTimeout(() => this.#wake(), Math.min(next - now, longestTimerMs));
    this.#timer.unref();
  }

  #drop(uid: string, namespace: string, name: string): void {
    this.#forget(uid);
    this.#quietly(() => this.#options.resources.delete(accessTokens, namespace, name, { uid }));
  }

  #noteUse(known: Known, from: string): void {
    const now = Date.now();
    if (now - known.told < lastUsedEveryMs) return;
    known.told = now;
    // After the answer: nobody waits for it.
    setImmediate(() => this.#quietly(() => {
      this.#options.resources.changeStatus(accessTokens, known.namespace, known.name, (draft) => {
        draft.status = { lastUsedTime: timestamp(), lastUsedFrom: from };
      });
    }));
  }

  #quietly(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.#options.log.warn('What is kept of a token could not be written', { error });
    }
  }
}
