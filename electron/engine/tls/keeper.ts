/** Keeps the server's certificate right while the engine runs: new addresses, its end, another authority. */
import type { Log } from '../context.ts';
import type { ServerNames } from '../listen/addresses.ts';
import { dropAuthorities, ensureCertificates, type Certificates } from './certificates.ts';
import type { Issue } from './key-pair.ts';
import { readNext, writeNext } from './succession.ts';

/** No system tells programs in Node that an address has come; this is how late a new one may be served. */
const lookEveryMs = 15_000;
/** Where addresses do not matter, only time passes. */
const lookForTimeEveryMs = 15 * 60_000;

export interface CertificateKeeper {
  readonly current: Certificates;
  /** Calls `take` with what is current and then with each change. */
  follow(take: (certificates: Certificates) => void): void;
  /**
   * Makes another authority.
   * @param overlapMs for how long clients can learn of it before the server changes over; 0: it does at once, and every client needs a
   *   new kubeconfig
   * @returns when the server changes over, milliseconds since 1970
   */
  rotateAuthority(overlapMs: number): Promise<number>;
  stop(): void;
}

export interface KeeperOptions {
  folder: string;
  issue: Issue;
  /** What the server is reached by now. */
  names: () => ServerNames;
  /** Whether addresses come and go that matter. */
  onLan: boolean;
  log: Log;
}

export async function keepCertificates({ folder, issue, names, onLan, log }: KeeperOptions): Promise<CertificateKeeper> {
  let current = await ensureCertificates(folder, issue, names());
  const followers: ((certificates: Certificates) => void)[] = [];
  let work: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const look = async (): Promise<void> => {
    const found = await ensureCertificates(folder, issue, names());
    if (stopped || (found.ca === current.ca && found.server.certificate === current.server.certificate)) return;
    current = found;
    log.info('The server shows another certificate', { names: names() });
    for (const take of followers) take(current);
  };
  /** One at a time: two would write the same files. */
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const done = work.then(step);
    work = done.catch(() => undefined);
    return done;
  };
  const wake = (): void => {
    clearTimeout(timer);
    if (stopped) return;
    const due = (readNext(folder)?.from ?? Infinity) - Date.now();
    const wait = Math.min(onLan ? lookEveryMs : lookForTimeEveryMs, Math.max(due, 0));
    timer = setTimeout(() => {
      void inTurn(look)
        .catch((error: unknown) => log.error('The server’s certificate could not be renewed', { error }))
        .finally(wake);
    }, wait);
    timer.unref();
  };
  wake();

  return {
    get current() {
      return current;
    },
    follow: (take) => {
      followers.push(take);
      take(current);
    },
    rotateAuthority: async (overlapMs) => {
      const from = Date.now() + overlapMs;
      await inTurn(async () => {
        if (overlapMs === 0) {
          dropAuthorities(folder);
        } else {
          const { authority } = await issue({ authority: undefined, ...names() });
          writeNext(folder, { ...authority, from });
        }
        await look();
      });
      wake();
      return from;
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
