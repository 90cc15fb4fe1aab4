/** WebSocket subresources: raw bytes between a viewer and a guest, over the subprotocol `plain.kubevirt.io`. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Status } from '#shared/kube/object.ts';

const subprotocol = 'plain.kubevirt.io';
/** Frames larger than this are nothing that a console sends. */
const maxPayload = 4 * 1024 * 1024;
/** Bytes that may wait for a slow viewer before the guest's side is not read any more. */
const backlogBytes = 1024 * 1024;

const server = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  maxPayload,
  handleProtocols: (protocols) => (protocols.has(subprotocol) ? subprotocol : false),
});

/** Completes the handshake and joins the two until one of them ends. */
export function joinWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer, guest: Duplex): void {
  if ('setNoDelay' in socket) (socket as Duplex & { setNoDelay(on: boolean): void }).setNoDelay(true);
  server.handleUpgrade(request, socket, head, (viewer) => join(viewer, guest));
}

function join(viewer: WebSocket, guest: Duplex): void {
  guest.on('data', (chunk: Buffer) => {
    viewer.send(chunk, { binary: true }, () => {
      if (guest.isPaused() && viewer.bufferedAmount < backlogBytes) guest.resume();
    });
    if (viewer.bufferedAmount >= backlogBytes) guest.pause();
  });
  viewer.on('message', (data: Buffer, isBinary) => {
    // KubeVirt drops text frames, and so must whoever wants to be taken for it.
    if (!isBinary || guest.destroyed) return;
    if (!guest.write(data)) viewer.pause();
  });
  guest.on('drain', () => viewer.resume());
  guest.on('end', () => viewer.close(1000));
  guest.on('close', () => viewer.close(1000));
  guest.on('error', () => viewer.close(1011));
  viewer.on('close', () => guest.destroy());
  viewer.on('error', () => guest.destroy());
}

/** Answers an upgrade that is refused, as the HTTP answer that it would have been. */
export function refuseUpgrade(socket: Duplex, status: Status & { code: number }): void {
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason ?? 'Error'}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
