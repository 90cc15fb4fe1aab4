/**
 * Slows down whoever comes with wrong tokens, by the address that they come from: a few answers are late, then none is
 * given until some time has passed, longer each time. Nobody guesses 256 bits; this keeps guessing cheap for us and
 * makes it seen.
 */
import { isIP } from 'node:net';
import { ApiError } from '../api/errors.ts';

/** Mistakes that cost nothing: a kubeconfig of yesterday, tried once or twice. */
const freeFailures = 3;
const failuresBeforeBlock = 10;
const firstDelayMs = 100;
const longestDelayMs = 2000;
const firstBlockMs = 5000;
const longestBlockMs = 5 * 60_000;
const forgetAfterMs = 15 * 60_000;
const mostSources = 4096;
/** Answers to one source that may be late at the same time; who opens more connections is told so at once. */
const mostWaiting = 8;

interface Source {
  failures: number;
  waiting: number;
  /** Milliseconds since 1970. */
  last: number;
  blockedUntil: number;
}

export interface FailedLoginsOptions {
  /** A source is turned away from now on. */
  blocked: (source: string, ms: number) => void;
  now?: () => number;
  pause?: (ms: number) => Promise<void>;
}

const realPause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class FailedLogins {
  readonly #sources = new Map<string, Source>();
  readonly #options: Required<FailedLoginsOptions>;

  constructor(options: FailedLoginsOptions) {
    this.#options = { now: Date.now, pause: realPause, ...options };
  }

  /** How many sources are remembered. */
  get size(): number {
    return this.#sources.size;
  }

  /**
   * Before a token is looked at.
   * @throws ApiError 429 while the source is turned away, whatever its token may be
   */
  check(address: string | undefined): void {
    const source = sourceOf(address);
    if (source === undefined || isLoopback(source)) return;
    const known = this.#sources.get(source);
    if (known && known.blockedUntil > this.#options.now()) throw tooMany(known.blockedUntil - this.#options.now());
  }

  /**
   * After a token was found to be wrong. Resolves when that may be told.
   * @throws ApiError 429 when it has happened too often
   */
  async failed(address: string | undefined): Promise<void> {
    const source = sourceOf(address);
    if (source === undefined) return;
    const now = this.#options.now();
    const known = this.#remember(source, now);
    if (known.blockedUntil > now) throw tooMany(known.blockedUntil - now);
    known.failures += 1;
    known.last = now;
    if (known.failures >= failuresBeforeBlock) {
      const ms = Math.min(firstBlockMs * 2 ** (known.failures - failuresBeforeBlock), longestBlockMs);
      known.blockedUntil = now + ms;
      this.#options.blocked(source, ms);
      throw tooMany(ms);
    }
    if (known.failures <= freeFailures) return;
    if (known.waiting >= mostWaiting) throw tooMany(longestDelayMs);
    known.waiting += 1;
    await this.#options.pause(Math.min(firstDelayMs * 2 ** (known.failures - freeFailures), longestDelayMs));
    known.waiting -= 1;
  }

  /** The one that was heard of longest ago goes when there are too many. */
  #remember(source: string, now: number): Source {
    const found = this.#sources.get(source);
    this.#sources.delete(source);
    const isOld = found === undefined || (now - found.last > forgetAfterMs && found.blockedUntil < now);
    const known = isOld ? { failures: 0, waiting: found?.waiting ?? 0, last: now, blockedUntil: 0 } : found;
    this.#sources.set(source, known);
    for (const [oldest] of this.#sources) {
      if (this.#sources.size <= mostSources) break;
      this.#sources.delete(oldest);
    }
    return known;
  }
}

/**
 * Who counts as one: an IPv4 address, or an IPv6 network of 64 bits, all of which one computer can have.
 * @returns undefined for who comes through the private socket
 */
export function sourceOf(address: string | undefined): string | undefined {
  if (address === undefined || address === '') return undefined;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const bare = address.replace(/%.*$/, '');
  if (isIP(bare) !== 6) return bare;
  const [head = '', tail] = bare.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? front : [...front, ...Array<string>(Math.max(8 - front.length - back.length, 0)).fill('0'), ...back];
  if (groups.length === 8 && groups.slice(0, 7).every((group) => Number.parseInt(group, 16) === 0)) return bare;
  return `${groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** One forgotten script must not keep the owner out of his own computer. Its failures are late and refused; he is not. */
const isLoopback = (source: string): boolean => source.startsWith('127.') || source === '::1';

function tooMany(ms: number): ApiError {
  const retryAfterSeconds = Math.max(1, Math.ceil(ms / 1000));
  return new ApiError(429, 'TooManyRequests', `too many failed logins came from this address; try again in ${retryAfterSeconds} s`, { retryAfterSeconds });
}
