/** Typing on a machine's keyboard, as a viewer of its screen does. Protocol: RFB 3.8 (RFC 6143). */
import WebSocket from 'ws';
import type { EngineClient } from './engine-client.ts';

/** Presses and releases a key of one printable character on the machine in the default namespace. */
export async function pressKey(engine: EngineClient, machine: string, character: string): Promise<void> {
  const path = `/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/${machine}/vnc`;
  const socket = new WebSocket(`${engine.endpoint.replace('https', 'wss')}${path}`, ['plain.kubevirt.io'], {
    ca: engine.ca,
    headers: { authorization: `Bearer ${engine.token}` },
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      let received = Buffer.alloc(0);
      const key = (down: boolean): Buffer => Buffer.from([4, down ? 1 : 0, 0, 0, 0, 0, 0, character.charCodeAt(0)]);
      socket.on('open', () => {
        // Version, security "none", a shared session: the answers need not be read to be known.
        socket.send(Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.from([1, 1]), key(true), key(false)]));
      });
      socket.on('message', (bytes: Buffer) => {
        received = Buffer.concat([received, bytes]);
        // Version (12), security types (2), result (4), and the beginning of the screen's size: it listens to keys now.
        if (received.length > 18) resolve();
      });
      socket.on('close', () => reject(new Error(`The screen of ${machine} was closed.`)));
    });
  } finally {
    socket.terminate();
  }
}
