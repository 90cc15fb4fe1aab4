/** The app's window. */
import { BrowserWindow, nativeTheme, screen } from 'electron';
import { PAGE_ADDRESS } from './addresses.ts';
import { confinement } from './hardening.ts';
import { fittingBounds, MIN_HEIGHT, MIN_WIDTH, readWindowState, writeWindowState } from './window-state.ts';

/** The page's background in both themes, so that the window does not flash before the page is there. */
const background = { light: '#ffffff', dark: '#17181a' };

export interface WindowOptions {
  preload: string;
  /** The file that keeps where the window was. */
  stateFile: string;
  onStateNotKept(error: unknown): void;
}

/** Opens the window where it was, and shows it once there is something to see. */
export function openWindow(options: WindowOptions): BrowserWindow {
  const state = readWindowState(options.stateFile);
  const window = new BrowserWindow({
    ...fittingBounds(
      state,
      screen.getAllDisplays().map((display) => display.workArea),
    ),
    minWidth: MIN_WIDTH,
    minHeight: MIN_HEIGHT,
    show: false,
    title: 'Hayloft',
    backgroundColor: backgroundColor(),
    autoHideMenuBar: true,
    webPreferences: { ...confinement, preload: options.preload },
  });
  if (state?.maximized === true) window.maximize();

  const followTheme = (): void => window.setBackgroundColor(backgroundColor());
  nativeTheme.on('updated', followTheme);
  window.once('ready-to-show', () => window.show());
  window.on('close', () => {
    try {
      writeWindowState(options.stateFile, { bounds: window.getNormalBounds(), maximized: window.isMaximized() });
    } catch (error) {
      options.onStateNotKept(error);
    }
  });
  window.on('closed', () => nativeTheme.off('updated', followTheme));
  void window.loadURL(PAGE_ADDRESS);
  return window;
}

function backgroundColor(): string {
  return nativeTheme.shouldUseDarkColors ? background.dark : background.light;
}
