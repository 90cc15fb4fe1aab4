/** Puts the shell's parts together: window, page, backend process. Everything else is in the backend and the page. */
import { join } from 'node:path';
import { app, BrowserWindow, ipcMain, Menu, protocol, session, shell, utilityProcess } from 'electron';
import { openLog } from '#shared/host/log-file.ts';
import type { Log } from '#shared/host/log-file.ts';
import { readPageFiles } from '#shared/page-host/page-files.ts';
import type { PageFiles } from '#shared/page-host/page-files.ts';
import { BackendHost } from './backend-host.ts';
import { handOverChannels } from './channel-handover.ts';
import { confineContents, denyNetwork, denyPermissions } from './hardening.ts';
import { BACKEND_LOST } from './ipc-names.ts';
import { menuTemplate } from './menu.ts';
import { takeOpenedFiles } from './opened-files.ts';
import { pageScheme, servePage } from './page-protocol.ts';
import { showPageSigns } from './page-signs.ts';
import { openWindow } from './window.ts';

export interface ShellOptions {
  dataDir: string;
  /** The built renderer. */
  rendererDir: string;
  /** The bundled preload script. */
  preload: string;
  /** The bundled program of the backend's process. */
  backendProcess: string;
}

/** Starts the app; must be called before Electron is ready. Where the app runs already, that one comes to the front. */
export function startShell(options: ShellOptions): void {
  const profile = join(options.dataDir, 'desktop');
  app.enableSandbox();
  protocol.registerSchemesAsPrivileged([pageScheme]);
  // The lock is held per profile, so that each data folder can have an app of its own.
  app.setPath('userData', profile);
  if (app.requestSingleInstanceLock()) run(options, profile);
  else app.quit();
}

function run(options: ShellOptions, profile: string): void {
  const log = openLog(options.dataDir, 'desktop-shell');
  const backend = new BackendHost({
    fork: () => utilityProcess.fork(options.backendProcess, [options.dataDir], { serviceName: 'Hayloft backend' }),
    onLost: (exitCode) => {
      log.error('The backend ended and is started again', { exitCode });
      for (const window of BrowserWindow.getAllWindows()) window.webContents.send(BACKEND_LOST);
    },
  });
  const open = (): void => {
    openWindow({
      preload: options.preload,
      stateFile: join(profile, 'window.json'),
      onStateNotKept: (error) => log.warn('The window’s place was not kept', { error: String(error) }),
    });
  };

  app.on('web-contents-created', (_event, contents) => confineContents(contents));
  takeOpenedFiles({
    app,
    ipc: ipcMain,
    argv: process.argv,
    cwd: process.cwd(),
    send: (channel, files) => BrowserWindow.getAllWindows()[0]?.webContents.send(channel, files),
    onForeign: (address) => log.warn('A foreign page asked for files', { address }),
  });
  keepOneWindow(open);
  finishBeforeQuitting(backend);
  Promise.all([readPageFiles(options.rendererDir), app.whenReady()]).then(
    ([files]) => {
      backend.start();
      secure(files, log);
      handOverChannels(ipcMain, backend, (address) => log.warn('A foreign page asked for a connection', { address }));
      showPageSigns(ipcMain, (address) => log.warn('A foreign page asked for a notification', { address }));
      setMenu(options.dataDir);
      open();
    },
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      log.error('The app could not start', { error: text });
      process.stderr.write(`Hayloft could not start: ${text}\n`);
      app.exit(1);
    },
  );
}

function secure(files: PageFiles, log: Log): void {
  denyPermissions(session.defaultSession);
  denyNetwork(session.defaultSession, (url) => log.warn('A request to the network was refused', { url }));
  servePage(protocol, files);
}

function keepOneWindow(open: () => void): void {
  app.on('second-instance', () => {
    const [window] = BrowserWindow.getAllWindows();
    if (window === undefined) {
      open();
      return;
    }
    if (window.isMinimized()) window.restore();
    window.focus();
  });
  app.on('window-all-closed', () => {
    // On macOS an app goes on without a window.
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('activate', () => {
    if (app.isReady() && BrowserWindow.getAllWindows().length === 0) open();
  });
}

/** Quitting ends the app and its backend; the engine on this computer, and the machines in it, go on. */
function finishBeforeQuitting(backend: BackendHost): void {
  let finished = false;
  app.on('will-quit', (event) => {
    if (finished) return;
    event.preventDefault();
    void backend.close().then(() => {
      finished = true;
      app.quit();
    });
  });
}

function setMenu(dataDir: string): void {
  const template = menuTemplate(process.platform, !app.isPackaged, {
    openDataFolder: () => void shell.openPath(dataDir),
    openLogs: () => void shell.openPath(join(dataDir, 'logs')),
  });
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
