/** The bridge between the page and the main process: all that the page gets of the desktop. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import type { BridgeMessage, DesktopBridge } from '#shared/channel/desktop-bridge.ts';
import { BACKEND_LOST, CONNECT, FILES, NOTIFY, PORT, PROGRESS, TAKE_FILES } from './ipc-names.ts';

const bridge: DesktopBridge = {
  host: 'desktop',
  connect: (request) => ipcRenderer.send(CONNECT, request),
  pathForFile: (file) => webUtils.getPathForFile(file),
  showProgress: (share) => ipcRenderer.send(PROGRESS, share),
  notify: (news) => ipcRenderer.send(NOTIFY, news),
  takeFiles: () => ipcRenderer.send(TAKE_FILES),
};
contextBridge.exposeInMainWorld('hayloft', bridge);

/** `/` means: only to this page's own origin. */
function post(message: BridgeMessage, ports: readonly MessagePort[] = []): void {
  window.postMessage(message, '/', [...ports]);
}

ipcRenderer.on(PORT, (event, request: number) => post({ hayloft: 'port', request }, event.ports));
ipcRenderer.on(FILES, (_event, files: readonly { name: string; path: string }[]) => post({ hayloft: 'files', files }));
ipcRenderer.on(BACKEND_LOST, () => post({ hayloft: 'backend-lost' }));
