/** What pages are denied: everything but being the app's own page. */
import type { Session, WebContents, WebPreferences } from 'electron';
import { isOwnAddress } from './addresses.ts';

/** How the page's process is confined. Most are Electron's defaults, said here so that none is lost unseen. */
export const confinement = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInWorker: false,
  nodeIntegrationInSubFrames: false,
  webSecurity: true,
  allowRunningInsecureContent: false,
  experimentalFeatures: false,
  webviewTag: false,
  navigateOnDragDrop: false,
  safeDialogs: true,
  // Electron would fetch dictionaries from the network.
  spellcheck: false,
} as const satisfies WebPreferences;

/** Copying text out of a console, and a console that fills the screen. */
const granted: ReadonlySet<string> = new Set(['clipboard-sanitized-write', 'fullscreen']);

/** Denies every permission to every page, but the few granted to our own. */
export function denyPermissions(
  session: Pick<Session, 'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler'>,
): void {
  session.setPermissionRequestHandler((_contents, permission, callback, details) => {
    callback(granted.has(permission) && details.isMainFrame && isOwnAddress(details.requestingUrl));
  });
  session.setPermissionCheckHandler(
    (_contents, permission, requestingOrigin) => granted.has(permission) && isOwnAddress(requestingOrigin),
  );
  session.setDevicePermissionHandler(() => false);
}

/** Refuses requests to anywhere: all that the page needs comes under the app's own scheme. */
export function denyNetwork(session: Pick<Session, 'webRequest'>, onRefused: (url: string) => void): void {
  const filter = { urls: ['http://*/*', 'https://*/*', 'ws://*/*', 'wss://*/*', 'ftp://*/*', 'file://*/*'] };
  session.webRequest.onBeforeRequest(filter, ({ url }, callback) => {
    onRefused(url);
    callback({ cancel: true });
  });
}

/** Keeps a page where it is: it can neither navigate elsewhere, nor open windows, nor embed other pages. */
export function confineContents(contents: Pick<WebContents, 'on' | 'setWindowOpenHandler'>): void {
  const denyForeign = (event: { url: string; preventDefault(): void }): void => {
    if (!isOwnAddress(event.url)) event.preventDefault();
  };
  contents.on('will-navigate', denyForeign);
  contents.on('will-frame-navigate', denyForeign);
  contents.on('will-redirect', denyForeign);
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
}
