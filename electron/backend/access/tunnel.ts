/** A TCP connection into a guest, through the cluster's API: KubeVirt's `portforward`. */
import { Duplex } from 'node:stream';
import { HayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import { AnswerError } from '../clusters/api-errors.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { subresourcePath } from '../clusters/kinds.ts';
import { openWebSocket, type ByteSocket } from '../consoles/web-socket.ts';

/** Raw bytes in binary frames, as for consoles (kubevirt.io/client-go, subresources/constants.go). */
const subprotocol = 'plain.kubevirt.io';

/**
 * Connects to a TCP port of a running guest.
 * @returns the connection; a WebSocket closes both its ways at once, so whoever ends it can hear no more
 * @throws HayloftError `not-running`, `forbidden`, or why the port cannot be reached
 */
export async function openTunnel(clusters: Clusters, ref: ObjectRef, port: number, signal: AbortSignal): Promise<Duplex> {
  const client = await clusters.get(ref.clusterId).client(signal);
  const path = subresourcePath('virtualmachineinstances', ref, `portforward/${port}/tcp`);
  try {
    return new Tunnel(await openWebSocket(client, path, subprotocol, signal));
  } catch (error) {
    throw explained(error, ref, port);
  }
}

/** KubeVirt's codes: 404 and 409 for a machine that does not run, 400 for a port that it does not let through, 500 else. */
function explained(error: unknown, { name }: ObjectRef, port: number): unknown {
  if (!(error instanceof AnswerError)) return error;
  const { httpStatus, message, cause } = error;
  if (httpStatus === 404 || (httpStatus === 409 && !/paused/i.test(message))) {
    return new HayloftError('not-running', `${name} is not running.`, { hint: 'Start it first.', retryable: true, cause });
  }
  if (httpStatus === 409) return new HayloftError('not-running', `${name} is paused.`, { hint: 'Resume it first.', retryable: true, cause });
  if (httpStatus === 403) {
    return new HayloftError('forbidden', `You may not open ports of ${name}.`, {
      hint: 'The cluster’s administrator can allow “get” on virtualmachineinstances/portforward.',
      cause,
    });
  }
  if (httpStatus >= 500) return nobodyThere(name, port, error);
  return error;
}

export const nobodyThere = (name: string, port: number, cause?: unknown): HayloftError =>
  new HayloftError('unreachable', `Nothing answers at port ${port} of ${name}.`, {
    hint: port === 22 ? 'Look whether the guest has booted and runs an SSH server.' : 'Look whether the guest has booted and something listens there.',
    retryable: true,
    cause,
  });

class Tunnel extends Duplex {
  readonly #socket: ByteSocket;
  #begun = false;

  constructor(socket: ByteSocket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    void socket.closed.then(() => this.push(null));
  }

  override _read(): void {
    if (this.#begun) {
      this.#socket.resume();
      return;
    }
    this.#begun = true;
    this.#socket.begin((bytes) => {
      // The buffer goes back to its pool.
      if (!this.push(Buffer.from(bytes))) this.#socket.pause();
      return Promise.resolve();
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const waiting = this.#socket.send(chunk);
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
}
