/** Datagrams as a stream in which each chunk is one of them, both ways. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Duplex } from 'node:stream';

/** Resolves once what is written goes there and only what comes from there is read. */
export async function connectDatagrams(address: string, port: number): Promise<Duplex> {
  const socket = createSocket('udp4');
  socket.connect(port, address);
  await once(socket, 'connect');
  return new Datagrams(socket);
}

class Datagrams extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    // A reader that is behind loses datagrams, as it would on any network.
    socket.on('message', (bytes) => {
      if (this.readableLength < this.readableHighWaterMark) this.push(bytes);
    });
    // Nobody listens in the guest: whoever sends notices by the silence.
    socket.on('error', () => undefined);
  }

  override _read(): void {
    // Datagrams are pushed as they come.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(bytes, () => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.close(() => done(error));
  }
}
