/** A stream that its viewer reads by itself. */
import { Duplex } from 'node:stream';

/** Asks for a stream's own socket, where one of the engine's user does (RFC 9651's `?1`). */
export const DIRECT_HEADER = 'hayloft-direct';
/** Tells its path, percent-encoded. */
export const SOCKET_HEADER = 'hayloft-socket';

/**
 * Stands in a stream's place for a viewer of the same user on the same computer, who opens the socket by itself: its bytes
 * need not come through here. No byte passes; it ends when the viewer has to let go, and when the viewer has.
 */
export class Lease extends Duplex {
  readonly path: string;

  /** @param path of the socket */
  constructor(path: string) {
    super({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    this.path = path;
  }
}
