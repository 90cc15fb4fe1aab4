/** What the page shows outside of its window: progress on the dock or taskbar, and the system's notifications. */
import { BrowserWindow, Notification } from 'electron';
import type { IpcMain, IpcMainEvent } from 'electron';
import { NOTIFY, PROGRESS } from './ipc-names.ts';
import { isOwnPage } from './sender.ts';

/** Longer words no system shows. */
const longest = 300;
/** Electron's word for no progress. */
const none = -1;

/** @param onForeign told the address of whoever else asked; nothing is shown for it */
export function showPageSigns(ipc: Pick<IpcMain, 'on'>, onForeign: (address: string) => void): void {
  const own = (event: IpcMainEvent): boolean => {
    if (isOwnPage(event)) return true;
    onForeign(event.senderFrame?.url ?? 'a frame that is gone');
    return false;
  };
  ipc.on(PROGRESS, (event, share: unknown) => {
    if (!own(event)) return;
    const shown = typeof share === 'number' && share >= 0 && share <= 1 ? share : none;
    for (const window of BrowserWindow.getAllWindows()) window.setProgressBar(shown);
  });
  ipc.on(NOTIFY, (event, news: unknown) => {
    if (!own(event) || !isNews(news) || !Notification.isSupported()) return;
    const notification = new Notification({ title: news.title.slice(0, longest), body: news.body.slice(0, longest) });
    notification.on('click', () => {
      const [window] = BrowserWindow.getAllWindows();
      if (window?.isMinimized()) window.restore();
      window?.focus();
    });
    notification.show();
  });
}

function isNews(news: unknown): news is { title: string; body: string } {
  const { title, body } = (news ?? {}) as { title?: unknown; body?: unknown };
  return typeof title === 'string' && typeof body === 'string';
}
