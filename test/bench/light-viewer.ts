/**
 * A WebSocket's viewing end that costs next to nothing: it reads into one buffer and looks at frames' heads alone. A
 * library's client would be the slowest part of every way, and hide the differences between them.
 */
import { connect, type Socket } from 'node:net';

const bufferBytes = 256 * 1024;
const textFrame = 0x81;
/** Bit of a client's frame that says it is masked (RFC 6455, 5.2). */
const masked = 0x80;

export interface ViewerOptions {
  port: number;
  path: string;
  headers: Record<string, string>;
  /** The payload's bytes as they come, frames' heads taken away; a view that is overwritten after the call. */
  onPayload(bytes: Buffer): void;
}

export interface LightViewer {
  /** Sends a text message of at most 65,535 bytes. */
  send(text: string): void;
  close(): void;
}

/** Opens a WebSocket on 127.0.0.1 and reads until it is closed. */
export async function openLightViewer(options: ViewerOptions): Promise<LightViewer> {
  const { promise: opened, resolve, reject } = Promise.withResolvers<undefined>();
  let answer = '';
  let open = false;
  const frames = frameReader((bytes) => options.onPayload(bytes));
  const socket: Socket = connect({
    port: options.port,
    host: '127.0.0.1',
    onread: {
      buffer: Buffer.alloc(bufferBytes),
      callback: (length, buffer) => {
        const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, length);
        if (open) {
          frames(bytes);
          return true;
        }
        answer += bytes.toString('latin1');
        const end = answer.indexOf('\r\n\r\n');
        if (end < 0) return true;
        open = true;
        if (answer.startsWith('HTTP/1.1 101')) resolve(undefined);
        else reject(new Error(answer.slice(0, end)));
        frames(Buffer.from(answer.slice(end + 4), 'latin1'));
        return true;
      },
    },
  });
  socket.on('error', reject);
  const headers = { host: `127.0.0.1:${options.port}`, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'aGF5bG9mdCBpcyBoZXJlIQ==', ...options.headers };
  socket.write(`GET ${options.path} HTTP/1.1\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  await opened;
  return { send: (text) => void socket.write(maskedText(text)), close: () => socket.destroy() };
}

/** A mask of zeros leaves the text as it is. */
function maskedText(text: string): Buffer {
  const payload = Buffer.from(text);
  const long = payload.length > 125;
  const head = Buffer.alloc(long ? 8 : 6);
  head[0] = textFrame;
  head[1] = masked | (long ? 126 : payload.length);
  if (long) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

function frameReader(onPayload: (bytes: Buffer) => void): (chunk: Buffer) => void {
  let head = Buffer.alloc(0);
  let left = 0;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left === 0) {
        head = Buffer.concat([head, chunk.subarray(at, at + 1)]);
        at += 1;
        const length = payloadLength(head);
        if (length === undefined) continue;
        left = length;
        head = Buffer.alloc(0);
        continue;
      }
      const part = chunk.subarray(at, at + left);
      at += part.length;
      left -= part.length;
      onPayload(part);
    }
  };
}

/** @returns undefined while the head is not whole */
function payloadLength(head: Buffer): number | undefined {
  if (head.length < 2) return undefined;
  const short = (head[1] ?? 0) & 0x7f;
  if (short < 126) return short;
  if (short === 126) return head.length < 4 ? undefined : head.readUInt16BE(2);
  return head.length < 10 ? undefined : Number(head.readBigUInt64BE(2));
}
