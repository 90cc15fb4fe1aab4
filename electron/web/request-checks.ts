/** Whether a request comes from the app's own page: the guards against other pages, and against DNS rebinding. */
import type { IncomingMessage } from 'node:http';
import type { Session } from './session.ts';

/** Why a request is refused: its HTTP status, and words for whoever debugs it. */
export interface Refusal {
  status: 400 | 401 | 403 | 421;
  message: string;
}

/** The only names that the web host answers to. A page that made its own name point here sends that name. */
export function acceptedHosts(port: number): string[] {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  return port === 80 ? [...hosts, '127.0.0.1', 'localhost'] : hosts;
}

/** For every request: is it meant for us? */
export function checkHost(request: IncomingMessage, port: number): Refusal | undefined {
  const { host } = request.headers;
  if (host !== undefined && acceptedHosts(port).includes(host.toLowerCase())) return undefined;
  return { status: 421, message: `This is Hayloft at 127.0.0.1:${port}; it answers to no other name.` };
}

/** For every request that changes or reads anything: does it come from our own page? Needs {@link checkHost} first. */
export function checkOrigin(request: IncomingMessage): Refusal | undefined {
  const { origin, host } = request.headers;
  if (origin !== undefined && origin.toLowerCase() === `http://${String(host).toLowerCase()}`) return undefined;
  return { status: 403, message: 'Only Hayloft’s own page may ask for this.' };
}

/** For the channel: does the browser hold this session's cookie? */
export function checkCookie(request: IncomingMessage, port: number, session: Session): Refusal | undefined {
  const name = cookieName(port);
  const values = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  if (values.some((value) => session.holds(value))) return undefined;
  return { status: 401, message: 'Open the address that Hayloft printed when it started.' };
}

/** Cookies are not kept apart by port: each port has a name of its own, or two Hayloft would push each other out. */
export function cookieName(port: number): string {
  return `hayloft-session-${port}`;
}

/** A reason to doubt that whoever sends wrong tokens mistyped: more than this many within a minute. */
const WRONG_TOKENS_A_MINUTE = 10;

/** Counts wrong tokens. Guessing 256 bits is hopeless anyway; this keeps the log and the processor quiet. */
export class WrongTokens {
  #times: number[] = [];

  /** Notes a wrong token. True when there were too many of late. */
  note(now: number = Date.now()): boolean {
    this.#times = this.#times.filter((time) => now - time < 60_000).slice(-WRONG_TOKENS_A_MINUTE);
    this.#times.push(now);
    return this.#times.length > WRONG_TOKENS_A_MINUTE;
  }
}
