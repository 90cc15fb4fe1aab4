/**
 * Sockets that read into large buffers which are used again. Node makes a new one of 64 KiB for every read; at the
 * rate of a screen's bytes, making and collecting them costs more than moving what is in them.
 */
import { connect, type Socket } from 'node:net';

const bufferBytes = 256 * 1024;
/** Shorter reads are copied out, so that a few bytes do not keep a whole buffer from being used. */
const copiedBytes = 4 * 1024;
/** Free buffers that are kept. */
const mostFree = 8;

const free: Uint8Array[] = [];
const ours = new WeakSet<ArrayBufferLike>();

/**
 * Connects to a socket in the file system, paused: `resume()` when somebody listens. What its `data` event gives may
 * be handed to `giveBack` once it is used up, and must not be looked at after that.
 */
export function connectPooled(path: string): Socket {
  const socket: Socket = connect({
    path,
    onread: {
      buffer: take,
      callback: (length, buffer) => {
        const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, length);
        const short = length <= copiedBytes;
        socket.emit('data', short ? Buffer.from(chunk) : chunk);
        if (short) giveBack(chunk);
        return true;
      },
    },
  });
  return socket.pause();
}

/** The chunk, and all that is a view into it, is not needed any more. Does nothing with a chunk from elsewhere. */
export function giveBack(chunk: Uint8Array): void {
  if (free.length < mostFree && ours.has(chunk.buffer)) free.push(new Uint8Array(chunk.buffer));
}

function take(): Uint8Array {
  const known = free.pop();
  if (known) return known;
  const made = new Uint8Array(bufferBytes);
  ours.add(made.buffer);
  return made;
}
