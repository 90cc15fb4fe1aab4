/** Connects the page with the backend's process: a new message channel for each request of our own page. */
import { MessageChannelMain } from 'electron';
import type { IpcMain } from 'electron';
import type { BackendHost } from './backend-host.ts';
import { CONNECT, PORT } from './ipc-names.ts';
import { isOwnPage } from './sender.ts';

/**
 * Answers the page's requests for a connection.
 * @param onForeign told the address of whoever else asked; it gets no answer
 */
export function handOverChannels(
  ipc: Pick<IpcMain, 'on'>,
  backend: Pick<BackendHost, 'connect'>,
  onForeign: (address: string) => void,
): void {
  ipc.on(CONNECT, (event, request: unknown) => {
    const frame = event.senderFrame;
    if (frame === null || !isOwnPage(event) || !Number.isInteger(request)) {
      onForeign(frame?.url ?? 'a frame that is gone');
      return;
    }
    const { port1, port2 } = new MessageChannelMain();
    backend.connect(port1);
    frame.postMessage(PORT, request, [port2]);
  });
}
