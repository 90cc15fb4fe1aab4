/** One request over a connection of its own, as bytes, and what came back. */
import { connect } from 'node:tls';
import type { EngineClient } from '../../rig/engine-client.ts';

export interface Exchange {
  request: Buffer;
  /** Sent once a WebSocket is open; the connection is closed after. */
  onceOpen?: readonly Buffer[];
  /** The connection is closed right after the request has been sent. */
  cut?: true;
}

const limitMs = 10_000;
/** How long an open WebSocket is listened to after the last frame. */
const lingerMs = 20;

/** @returns the status, or 0 when the engine closed the connection without one; throws when neither came in time */
export function exchange(engine: EngineClient, { request, onceOpen, cut }: Exchange): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(engine.endpoint);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), ca: engine.ca }, () => {
      if (cut) socket.end(request, () => socket.destroy());
      else socket.write(request);
    });
    let text = '';
    let open = false;
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer within ${limitMs} ms`));
    }, limitMs);
    socket.on('data', (chunk: Buffer) => {
      if (open) return;
      // What comes before the answer is none.
      text = (text + chunk.toString('latin1')).replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, '');
      if (!text.includes('\r\n\r\n')) return;
      if (text.startsWith('HTTP/1.1 101')) {
        open = true;
        for (const frame of onceOpen ?? []) socket.write(frame);
        setTimeout(end, lingerMs);
      } else if (!/^HTTP\/1\.1 5/.test(text)) {
        end();
      }
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNREFUSED') return;
      clearTimeout(timer);
      reject(new Error('the engine does not listen any more', { cause: error }));
    });
    socket.on('close', end);
  });
}
