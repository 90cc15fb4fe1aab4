/** Who may talk to the web host: a token in the address, exchanged for a cookie. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How long the token in the address that the browser is opened with can be used, in milliseconds. */
const SINGLE_USE_LIFETIME = 2 * 60_000;

export interface Session {
  /** The lasting token, for the address that is printed. */
  readonly token: string;
  /** What the cookie holds. It proves that the token was known, and does not tell it. */
  readonly cookie: string;
  /**
   * A token that works once and not for long: for the address that the browser is started with, which other users of
   * this computer can see in the list of processes.
   */
  issueSingleUseToken(): string;
  /** Whether the token is the lasting one or a single-use one, which is then spent. Takes the same time for any token. */
  accepts(token: string): boolean;
  /** Whether a cookie's value is this session's. Takes the same time for any value. */
  holds(cookie: string): boolean;
}

/** Makes a session of a token of 256 random bits (base64url). */
export function createSession(token: string = newToken()): Session {
  const cookie = createHmac('sha256', token).update('hayloft web session cookie').digest('base64url');
  let singleUse: { token: string; until: number } | undefined;
  return {
    token,
    cookie,
    issueSingleUseToken: () => {
      singleUse = { token: newToken(), until: Date.now() + SINGLE_USE_LIFETIME };
      return singleUse.token;
    },
    accepts: (given) => {
      if (equal(given, token)) return true;
      if (singleUse === undefined || !equal(given, singleUse.token)) return false;
      const inTime = Date.now() < singleUse.until;
      singleUse = undefined;
      return inTime;
    },
    holds: (given) => equal(given, cookie),
  };
}

/**
 * The session of a data folder, the same after every restart, so that an open tab finds its way back.
 * @param dataDir the data folder; made (0700) when it is missing, the token in it is 0600
 */
export async function loadSession(dataDir: string): Promise<Session> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const path = join(dataDir, 'web-token');
  const known = await readIfThere(path);
  if (known !== undefined && /^[\w-]{43}$/.test(known)) return createSession(known);
  const session = createSession();
  const file = await open(path, 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(session.token);
    await file.sync();
  } finally {
    await file.close();
  }
  return session;
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Compares digests, which have one length, so that time tells nothing of either text. */
function equal(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
