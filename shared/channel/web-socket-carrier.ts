/** The web host's carrier: a WebSocket, the browser's or Node's. */
import { HayloftError } from '../contract/errors.ts';
import { MAX_DATA_BYTES } from './frames.ts';
import type { Carrier } from './frames.ts';
import { parsed } from './port-carrier.ts';

/** Bytes before the payload of a binary message: the stream's id, little-endian. */
const HEADER_BYTES = 4;

/** The largest message that the backend takes: bytes with their header, or a call's input (a long YAML document). */
export const MAX_MESSAGE_BYTES = 2 * MAX_DATA_BYTES;

/** Messages that fit are sent from buffers that are used again: room for what is read from a cluster at once. */
const POOLED_BYTES = 256 * 1024 + HEADER_BYTES;
/** Shorter ones are not worth it. */
const UNPOOLED_BYTES = 4 * 1024;
const MOST_FREE = 8;

/** What the browser's `WebSocket` and the one of the `ws` package have in common. */
export interface SocketLike {
  /** @param sent is called when the message may be changed again; browsers do not take one, as they copy */
  send(message: string | Uint8Array<ArrayBuffer>, sent?: () => void): void;
  close(code?: number): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close' | 'error', listener: () => void): void;
}

/**
 * Makes a carrier of an open socket. Control is JSON text; bytes are binary: id (4 bytes, little-endian), payload.
 * A browser's socket must have `binaryType` set to `arraybuffer`.
 */
export function webSocketCarrier(socket: SocketLike): Carrier {
  let closed = false;
  // Making and collecting a buffer for each message costs more than filling it.
  const free: Uint8Array<ArrayBuffer>[] = [];
  const ended = (): void => {
    if (closed) return;
    closed = true;
    carrier.onClose();
  };
  const carrier: Carrier = {
    sendControl: (message) => {
      if (!closed) socket.send(JSON.stringify(message));
    },
    sendData: ({ id, bytes }) => {
      if (closed) return;
      const length = HEADER_BYTES + bytes.byteLength;
      const pooled = length > UNPOOLED_BYTES && length <= POOLED_BYTES;
      const buffer = pooled ? (free.pop() ?? new Uint8Array(POOLED_BYTES)) : new Uint8Array(length);
      new DataView(buffer.buffer).setUint32(0, id, true);
      buffer.set(bytes, HEADER_BYTES);
      socket.send(buffer.subarray(0, length), () => {
        if (pooled && free.length < MOST_FREE) free.push(buffer);
      });
    },
    onControl: () => undefined,
    onData: () => undefined,
    onClose: () => undefined,
    close: () => {
      if (closed) return;
      socket.close();
      ended();
    },
  };
  socket.addEventListener('message', ({ data }) => {
    if (closed) return;
    const bytes = asBytes(data);
    if (bytes === undefined) carrier.onControl(parsed(data));
    else if (bytes.byteLength < HEADER_BYTES) carrier.onControl(undefined);
    else {
      const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
      carrier.onData({ id, bytes: bytes.subarray(HEADER_BYTES) });
    }
  });
  socket.addEventListener('close', ended);
  // What went wrong is not told to scripts; `close` follows and says all that matters.
  socket.addEventListener('error', () => undefined);
  return carrier;
}

function asBytes(data: unknown): Uint8Array | undefined {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return data instanceof Uint8Array ? data : undefined;
}

/**
 * Opens a WebSocket and makes a carrier of it, in a browser or in Node.
 * @param url `ws:` address of the web host's channel
 * @throws HayloftError `unreachable` (retryable) when it cannot be opened; a browser does not tell why
 */
export function connectWebSocketCarrier(url: string): Promise<Carrier> {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(webSocketCarrier(socket)), { once: true });
    socket.addEventListener(
      'close',
      () =>
        reject(
          new HayloftError('unreachable', 'Hayloft could not be reached.', {
            hint: 'Check that it is still running, and open the address that it printed when it started.',
            retryable: true,
          }),
        ),
      { once: true },
    );
  });
}
