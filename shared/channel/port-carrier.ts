/** The desktop's carrier: a MessagePort between the renderer and the backend's process. */
import type { Carrier, Data } from './frames.ts';

/** A port as the web has it (also Node's own). */
export interface WebPort {
  postMessage(message: unknown): void;
  start(): void;
  close(): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: () => void): void;
}

/** A port as Electron has it outside the renderer (`MessagePortMain`). */
export interface EmitterPort {
  postMessage(message: unknown): void;
  start(): void;
  close(): void;
  on(event: 'message', listener: (event: { data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
}

/**
 * Makes a carrier of one end of a message channel.
 * Control goes as JSON text, the same as on a WebSocket, so that what passes on one carrier passes on the other.
 * Bytes are cloned, never transferred: Electron loses a transferred ArrayBuffer between a renderer and another
 * process (electron/electron#34905), and the writer may go on using its buffer.
 */
export function portCarrier(port: WebPort | EmitterPort): Carrier {
  let closed = false;
  const carrier: Carrier = {
    sendControl: (message) => {
      if (!closed) port.postMessage(JSON.stringify(message));
    },
    sendData: ({ id, bytes }) => {
      // A view is cloned with the whole buffer behind it: cut it out first.
      const whole = bytes.byteLength === bytes.buffer.byteLength;
      if (!closed) port.postMessage({ id, bytes: whole ? bytes : new Uint8Array(bytes) });
    },
    onControl: () => undefined,
    onData: () => undefined,
    onClose: () => undefined,
    close: () => {
      if (closed) return;
      port.close();
      ended();
    },
  };
  const ended = (): void => {
    if (closed) return;
    closed = true;
    carrier.onClose();
  };
  const received = ({ data }: { data: unknown }): void => {
    if (closed) return;
    if (isData(data)) carrier.onData(data);
    else carrier.onControl(parsed(data));
  };
  if ('addEventListener' in port) {
    port.addEventListener('message', received);
    port.addEventListener('close', ended);
  } else {
    port.on('message', received);
    port.on('close', ended);
  }
  port.start();
  return carrier;
}

function isData(message: unknown): message is Data {
  return typeof message === 'object' && message !== null && 'bytes' in message && 'id' in message &&
    typeof message.id === 'number' && message.bytes instanceof Uint8Array;
}

/** Text that is no JSON becomes `undefined`, which is no message of the protocol. */
export function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
