/** A byte stream as the socket-like channel that noVNC takes in place of a WebSocket (its core/websock.js). */
import type { ByteStream } from '#shared/channel/types.ts';

export class VncChannel {
  binaryType = 'arraybuffer';
  readonly protocol = '';
  readyState: 'open' | 'closed' = 'open';
  onopen: () => void = () => undefined;
  onmessage: (event: { data: ArrayBuffer }) => void = () => undefined;
  onclose: (event: { code: number; reason: string; wasClean: boolean }) => void = () => undefined;
  onerror: () => void = () => undefined;
  readonly #stream: ByteStream;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /**
   * Hands bytes over as they come. To be called once noVNC has its handlers set.
   * @returns when the stream ends; rejects with what ended it
   */
  async pump(): Promise<void> {
    try {
      for await (const chunk of this.#stream.chunks) {
        this.onmessage({ data: chunk.slice().buffer });
      }
    } finally {
      this.#end();
    }
  }

  send(bytes: Uint8Array): void {
    // noVNC goes on using its buffer. A stream that has ended says so through pump().
    this.#stream.write(bytes.slice()).catch(() => undefined);
  }

  close(): void {
    this.#stream.abort();
    this.#end();
  }

  #end(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    this.onclose({ code: 1000, reason: '', wasClean: true });
  }
}
