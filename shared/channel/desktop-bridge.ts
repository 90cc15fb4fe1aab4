/** What the desktop's preload script gives the page, and how the page gets its carrier from it. */
import { portCarrier } from './port-carrier.ts';
import type { Carrier } from './frames.ts';

/** `window.hayloft`: there on the desktop, missing in a browser. */
export interface DesktopBridge {
  readonly host: 'desktop';
  /**
   * Asks for a new connection to the backend. Its port comes as a message event of the window, which
   * {@link connectDesktopCarrier} waits for: a port cannot cross the bridge as a value.
   */
  connect(request: number): void;
  /** The path of a file that was dropped on the page or chosen in it; empty if it is not on disk. */
  pathForFile(file: File): string;
  /** Shows on the dock or taskbar how far what goes on is, from 0 to 1; null: nothing goes on. */
  showProgress(share: number | null): void;
  /** Tells something as the system tells news; a click on it brings the window to the front. */
  notify(news: { title: string; body: string }): void;
  /** Says that the page takes files which the system hands to the app; they come as message events of the window. */
  takeFiles(): void;
}

declare global {
  interface Window {
    readonly hayloft?: DesktopBridge;
  }
}

/** What the preload script posts to the page's own window. */
export type BridgeMessage =
  /** The answer to `connect`; the port comes with the event. */
  | { hayloft: 'port'; request: number }
  /** Files that were dropped on the app's icon, or opened with it. */
  | { hayloft: 'files'; files: readonly { name: string; path: string }[] }
  /** The backend's process ended unasked. It is started again; connections to the old one are dead. */
  | { hayloft: 'backend-lost' };

let lastRequest = 0;

/**
 * Connects the page to the backend. Resolves as soon as there is a backend to talk to.
 * @param page the page's window
 */
export function connectDesktopCarrier(bridge: DesktopBridge, page: Window = window): Promise<Carrier> {
  lastRequest += 1;
  const request = lastRequest;
  return new Promise((resolve) => {
    let carrier: Carrier | undefined;
    const stop = new AbortController();
    page.addEventListener(
      'message',
      (event: MessageEvent<unknown>) => {
        // Only the page itself and its preload script can post with this source.
        if (event.source !== page || !isBridgeMessage(event.data)) return;
        const [port] = event.ports;
        if (event.data.hayloft === 'backend-lost') {
          if (carrier === undefined) return;
          stop.abort();
          carrier.close();
        } else if (event.data.hayloft === 'port' && event.data.request === request && port !== undefined) {
          carrier = portCarrier(port);
          resolve(carrier);
        }
      },
      { signal: stop.signal },
    );
    bridge.connect(request);
  });
}

export function isBridgeMessage(message: unknown): message is BridgeMessage {
  return typeof message === 'object' && message !== null && 'hayloft' in message;
}
