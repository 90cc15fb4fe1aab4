/** One connection to a guest's serial line, shared by everyone who looks at it. */
import { createConnection, type Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** What a new viewer gets to see of the past. */
const historyBytes = 64 * 1024;
/** A viewer that is this far behind is let go: the guest must never wait for it. */
const backlogBytes = 4 * 1024 * 1024;

export class SerialHub {
  readonly #socket: Socket;
  readonly #viewers = new Set<Viewer>();
  #history: Buffer[] = [];
  #historySize = 0;

  constructor(path: string) {
    this.#socket = createConnection(path);
    this.#socket.on('data', (bytes) => this.#take(bytes));
    // The guest's end closes it; whoever looked sees the line end.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      for (const viewer of this.#viewers) viewer.push(null);
    });
  }

  /** A new viewer: begins with the last output, then follows; what is written to it is typed. */
  view(): Duplex {
    const viewer = new Viewer(this.#socket, () => this.#viewers.delete(viewer));
    for (const bytes of this.#history) viewer.push(bytes);
    if (this.#socket.destroyed) viewer.push(null);
    else this.#viewers.add(viewer);
    return viewer;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#history.push(bytes);
    this.#historySize += bytes.length;
    for (let first = this.#history[0]; first && this.#historySize - first.length >= historyBytes; first = this.#history[0]) {
      this.#history.shift();
      this.#historySize -= first.length;
    }
    for (const viewer of this.#viewers) {
      viewer.push(bytes);
      if (viewer.readableLength > backlogBytes) viewer.destroy();
    }
  }
}

class Viewer extends Duplex {
  readonly #line: Socket;
  readonly #gone: () => void;

  constructor(line: Socket, gone: () => void) {
    super({ allowHalfOpen: false });
    this.#line = line;
    this.#gone = gone;
  }

  override _read(): void {
    // Bytes are pushed as the guest prints them.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#line.write(bytes, () => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#gone();
    done(error);
  }
}
