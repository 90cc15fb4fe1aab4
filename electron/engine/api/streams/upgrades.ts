/** WebSocket subresources: raw bytes between a viewer and a guest, over the subprotocol `plain.kubevirt.io`. */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { giveBack } from '#shared/host/pooled-socket.ts';
import type { Status } from '#shared/kube/object.ts';
import { Lease, SOCKET_HEADER } from './lease.ts';

const subprotocol = 'plain.kubevirt.io';
/** Frames larger than this are nothing that a console sends. */
const maxPayload = 4 * 1024 * 1024;
/** Bytes that may wait for a slow viewer before the guest's side is not read any more. */
const backlogBytes = 1024 * 1024;

/** Codes of RFC 6455. */
const closed = { normally: 1000, goingAway: 1001, byFault: 1011 };

/** Every viewer that is joined to a guest. */
export class Streams {
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload,
    handleProtocols: (protocols) => (protocols.has(subprotocol) ? subprotocol : false),
  });
  readonly #viewers = new Set<WebSocket>();
  readonly #leases = new WeakMap<IncomingMessage, Lease>();

  constructor() {
    this.#server.on('headers', (headers, request) => {
      const lease = this.#leases.get(request);
      if (lease) headers.push(`${SOCKET_HEADER}: ${encodeURIComponent(lease.path)}`);
    });
  }

  /** Completes the handshake and joins the two until one of them ends. The guest's side is released in any case. */
  join(request: IncomingMessage, socket: Duplex, head: Buffer, guest: Duplex): void {
    if ('setNoDelay' in socket) (socket as Duplex & { setNoDelay(on: boolean): void }).setNoDelay(true);
    // The handshake may fail, and then there is no viewer to tell.
    socket.on('close', () => guest.destroy());
    guest.on('error', () => undefined);
    if (guest instanceof Lease) this.#leases.set(request, guest);
    this.#server.handleUpgrade(request, socket, head, (viewer) => {
      this.#viewers.add(viewer);
      viewer.on('close', () => this.#viewers.delete(viewer));
      join(viewer, guest);
    });
  }

  /** Says goodbye to every viewer. */
  close(): void {
    for (const viewer of this.#viewers) viewer.close(closed.goingAway);
  }
}

function join(viewer: WebSocket, guest: Duplex): void {
  let waiting = false;
  const sent = (): void => {
    if (!waiting || viewer.bufferedAmount >= backlogBytes) return;
    waiting = false;
    guest.resume();
  };
  guest.on('data', (chunk: Buffer) => {
    viewer.send(chunk, { binary: true }, () => {
      giveBack(chunk);
      sent();
    });
    if (viewer.bufferedAmount < backlogBytes) return;
    waiting = true;
    guest.pause();
  });
  viewer.on('message', (data: Buffer, isBinary) => {
    // KubeVirt drops text frames, and so must whoever wants to be taken for it.
    if (isBinary && guest.writable && !guest.write(data)) viewer.pause();
  });
  guest.on('drain', () => viewer.resume());
  guest.on('end', () => viewer.close(closed.normally));
  guest.on('error', () => viewer.close(closed.byFault));
  guest.on('close', () => {
    // Frames that wait for a guest who is gone would keep the goodbye from being read.
    viewer.resume();
    viewer.close(closed.normally);
  });
  viewer.on('close', () => guest.destroy());
  viewer.on('error', () => guest.destroy());
  guest.resume();
}

/** Answers an upgrade that is refused, as the HTTP answer that it would have been. */
export function refuseUpgrade(socket: Duplex, status: Status & { code: number }): void {
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${STATUS_CODES[status.code] ?? 'Error'}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
