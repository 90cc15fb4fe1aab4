/**
 * A TCP connection to a port of a pod, through the API server: its `portforward` over a WebSocket, as Kubernetes' own
 * clients for JavaScript and Python speak it (`v4.channel.k8s.io`). Each message begins with its channel; the first two
 * carry bytes and errors of the first port, and begin with the port's number in two bytes.
 */
import { Agent } from 'node:https';
import { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import { HayloftError } from '#shared/contract/errors.ts';
import type { ApiClient } from '../../clusters/api-client.ts';
import { openWebSocket, type ByteSocket } from '../../consoles/web-socket.ts';

const subprotocol = 'v4.channel.k8s.io';
const channel = { data: 0, error: 1 };
/** The port's number, at the beginning of each channel. */
const prefaceBytes = 2;

export interface PodPort {
  namespace: string;
  pod: string;
  port: number;
}

/** @throws HayloftError; an AnswerError if the cluster said no */
export async function openPodTunnel(client: ApiClient, { namespace, pod, port }: PodPort, signal: AbortSignal): Promise<Duplex> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`;
  return new PodTunnel(await openWebSocket(client, path, subprotocol, signal), pod);
}

/** Connections of Node's HTTPS client that lead into a pod. */
export class PodAgent extends Agent {
  readonly #client: ApiClient;
  readonly #to: PodPort;

  constructor(client: ApiClient, to: PodPort) {
    super({});
    this.#client = client;
    this.#to = to;
  }

  override createConnection(options: ConnectionOptions, callback?: (error: Error | null, stream: Duplex) => void): Duplex | undefined {
    openPodTunnel(this.#client, this.#to, new AbortController().signal).then(
      (socket) => {
        const secure = connect({ ...options, socket });
        // TLS over a stream leaves it open, whichever side ends first.
        for (const over of ['end', 'close']) secure.once(over, () => socket.destroy());
        callback?.(null, secure);
      },
      (error: unknown) => callback?.(error as Error, undefined as never),
    );
    return undefined;
  }
}

class PodTunnel extends Duplex {
  readonly #socket: ByteSocket;
  readonly #pod: string;
  #begun = false;
  #channel = channel.data;
  /** Bytes of each channel's preface that are still to come. */
  readonly #preface = [prefaceBytes, prefaceBytes];
  #problem = '';

  constructor(socket: ByteSocket, pod: string) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#pod = pod;
    void socket.closed.then(() => (this.#problem === '' ? this.push(null) : this.destroy(this.#failure())));
  }

  override _read(): void {
    if (this.#begun) {
      this.#socket.resume();
      return;
    }
    this.#begun = true;
    this.#socket.begin((bytes, begins) => {
      this.#take(bytes, begins === true);
      return Promise.resolve();
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const waiting = this.#socket.send(Buffer.concat([Buffer.of(channel.data), chunk]));
    if (waiting) void waiting.then(() => done());
    else done();
  }

  override _final(done: () => void): void {
    this.#socket.close();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }

  #take(bytes: Buffer, begins: boolean): void {
    let rest = bytes;
    if (begins) {
      this.#channel = bytes[0] ?? channel.data;
      rest = bytes.subarray(1);
    }
    const skipped = Math.min(this.#preface[this.#channel] ?? 0, rest.length);
    this.#preface[this.#channel] = (this.#preface[this.#channel] ?? 0) - skipped;
    rest = rest.subarray(skipped);
    if (rest.length === 0) return;
    if (this.#channel === channel.error) {
      this.#problem += rest.toString();
      this.#socket.close();
    } else if (!this.push(Buffer.from(rest))) {
      // The buffer that it came in goes back to its pool.
      this.#socket.pause();
    }
  }

  #failure(): HayloftError {
    return new HayloftError('connection-lost', `The way through the API server to the pod ${this.#pod} broke: ${this.#problem.trim()}`, { retryable: true });
  }
}
