/** Who sent a message to the main process. */
import { isOwnAddress } from './addresses.ts';

/** The part of Electron's events that tells the sender. */
export interface SentEvent {
  senderFrame: { url: string; parent: unknown; detached?: boolean } | null;
}

/** Whether a message came from the main frame of our own page. A frame that is gone by now counts as foreign. */
export function isOwnPage({ senderFrame }: SentEvent): boolean {
  return senderFrame !== null && senderFrame.detached !== true && senderFrame.parent === null && isOwnAddress(senderFrame.url);
}
