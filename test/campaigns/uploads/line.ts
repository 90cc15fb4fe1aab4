/** A line to an engine that can be cut, refused and silenced: bytes alone, whatever is said in them. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  private constructor(to: () => number) {
    this.#server = createServer({ noDelay: true }, (near) => {
      const far = connect({ port: to(), host: '127.0.0.1', noDelay: true });
      for (const [one, other] of [[near, far], [far, near]] as const) {
        this.#sockets.add(one);
        one.on('error', () => one.destroy());
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
  }

  /** @param to the port that it leads to, at each moment */
  static async start(to: () => number): Promise<Line> {
    const line = new Line(to);
    await line.mend();
    return line;
  }

  get port(): number {
    return this.#port;
  }

  /** Ends what goes over it, with a reset. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Refuses whoever comes, until it is mended. */
  refuse(): void {
    this.#server.close();
    this.cut();
  }

  async mend(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }
}
