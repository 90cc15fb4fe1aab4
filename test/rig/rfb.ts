/** As much of an RFB (VNC) viewer as a test needs: shakes hands and asks for whole screens, uncompressed. RFC 6143. */

/** Where the bytes go and come from; `receive` is set by the viewer. */
export interface RfbTransport {
  send(bytes: Uint8Array): void;
  receive: (bytes: Uint8Array) => void;
}

export interface RfbViewer {
  width: number;
  height: number;
  /** Asks for the whole screen and resolves with the number of bytes that its answer took. */
  fullUpdate(): Promise<number>;
}

const bytesPerPixel = 4;

export async function viewRfb(transport: RfbTransport): Promise<RfbViewer> {
  const input = new ByteQueue();
  transport.receive = (bytes) => input.push(bytes);
  await input.take(12);
  transport.send(new TextEncoder().encode('RFB 003.008\n'));
  const [count = 0] = await input.take(1);
  await input.take(count);
  transport.send(Uint8Array.of(1)); // security type None
  await input.take(4);
  transport.send(Uint8Array.of(1)); // share the screen
  const init = view(await input.take(24));
  await input.take(init.getUint32(20));
  transport.send(Uint8Array.of(2, 0, 0, 1, 0, 0, 0, 0)); // SetEncodings: raw
  const viewer: RfbViewer = {
    width: init.getUint16(0),
    height: init.getUint16(2),
    fullUpdate: async () => {
      transport.send(updateRequest(viewer.width, viewer.height));
      let taken = 0;
      let pixels = 0;
      // The screen may come in several updates.
      while (pixels < viewer.width * viewer.height) {
        const header = view(await input.take(4));
        if (header.getUint8(0) !== 0) throw new Error(`Unexpected RFB message ${header.getUint8(0)}.`);
        taken += 4;
        for (let rectangle = 0; rectangle < header.getUint16(2); rectangle++) {
          const place = view(await input.take(12));
          const size = place.getUint16(4) * place.getUint16(6);
          await input.skip(size * bytesPerPixel);
          pixels += size;
          taken += 12 + size * bytesPerPixel;
        }
      }
      return taken;
    },
  };
  return viewer;
}

function updateRequest(width: number, height: number): Uint8Array {
  const request = new DataView(new ArrayBuffer(10));
  request.setUint8(0, 3);
  request.setUint16(6, width);
  request.setUint16(8, height);
  return new Uint8Array(request.buffer);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes in order, taken in amounts that are waited for. */
class ByteQueue {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #wake: () => void = () => undefined;

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#size += bytes.byteLength;
    this.#wake();
  }

  async take(count: number): Promise<Uint8Array> {
    const taken = new Uint8Array(count);
    let at = 0;
    while (at < count) at += await this.#next(count - at, (part) => taken.set(part, at));
    return taken;
  }

  async skip(count: number): Promise<void> {
    let left = count;
    while (left > 0) left -= await this.#next(left, () => undefined);
  }

  async #next(most: number, use: (part: Uint8Array) => void): Promise<number> {
    if (this.#size === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    const first = this.#chunks.shift() ?? new Uint8Array();
    const part = first.subarray(0, most);
    if (part.byteLength < first.byteLength) this.#chunks.unshift(first.subarray(most));
    this.#size -= part.byteLength;
    use(part);
    return part.byteLength;
  }
}
