/** The application's menu, by each platform's conventions. Pure data. */
import type { MenuItemConstructorOptions } from 'electron';

export interface MenuActions {
  openDataFolder(): void;
  openLogs(): void;
}

/**
 * The menu's template.
 * Keys that a terminal or a guest needs (Ctrl-W, Ctrl-R) are bound to nothing outside macOS, where they are not Ctrl.
 * @param developing whether the app runs from a checkout: reloading and the developer tools are for that
 */
export function menuTemplate(platform: NodeJS.Platform, developing: boolean, actions: MenuActions): MenuItemConstructorOptions[] {
  const mac = platform === 'darwin';
  const forDevelopers: MenuItemConstructorOptions[] = [
    { type: 'separator' },
    { role: 'forceReload', ...(mac ? {} : { accelerator: 'F5' }) },
    { role: 'toggleDevTools' },
  ];
  return [
    ...(mac ? [{ role: 'appMenu' } as const] : [{ label: '&File', submenu: [{ role: 'quit' } as const] }]),
    ...(mac ? [{ role: 'fileMenu' } as const] : []),
    { role: 'editMenu' },
    {
      label: '&View',
      submenu: [
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
        ...(developing ? forDevelopers : []),
      ],
    },
    ...(mac ? [{ role: 'windowMenu' } as const] : [{ label: '&Window', submenu: [{ role: 'minimize' } as const] }]),
    {
      role: 'help',
      submenu: [
        { label: 'Open data folder', click: () => actions.openDataFolder() },
        { label: 'Open logs', click: () => actions.openLogs() },
      ],
    },
  ];
}
