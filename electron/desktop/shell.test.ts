import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createChannelClient } from '#shared/channel/client.ts';
import { connectDesktopCarrier } from '#shared/channel/desktop-bridge.ts';
import type { DesktopBridge } from '#shared/channel/desktop-bridge.ts';
import type { Handlers } from '#shared/channel/handlers.ts';
import { portCarrier } from '#shared/channel/port-carrier.ts';
import { serveChannel } from '#shared/channel/server.ts';
import * as electron from '../../test/desktop/electron-stand-in.ts';
import type { MessagePortMain, UtilityProcess } from '../../test/desktop/electron-stand-in.ts';
import { CONNECT } from './ipc-names.ts';
import './preload.ts';
import { startShell } from './shell.ts';

/** The page's window: posts messages to itself, as windows do. */
class Page extends EventTarget {
  postMessage(data: unknown, _origin: string, ports: unknown[] = []): void {
    queueMicrotask(() => this.dispatchEvent(Object.assign(new Event('message'), { data, ports, source: this })));
  }
}

const { app, BrowserWindow, protocol, utilityProcess } = electron;
let folder: string;
let page: Page;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-desktop-'));
  mkdirSync(join(folder, 'renderer'));
  writeFileSync(join(folder, 'renderer', 'index.html'), '<title>Hayloft</title>');
  app.reset();
  BrowserWindow.all = [];
  utilityProcess.forked = [];
  protocol.schemes = [];
  electron.ipcMain.removeAllListeners();
  electron.renderer.frame = new electron.Frame('app://hayloft/');
  page = new Page();
  vi.stubGlobal('window', page);
});
afterEach(() => {
  for (const window of BrowserWindow.all) window.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

async function start(): Promise<void> {
  startShell({
    dataDir: join(folder, 'data'),
    rendererDir: join(folder, 'renderer'),
    preload: '/dist/preload/preload.cjs',
    backendProcess: '/dist/desktop/backend-process.js',
  });
  app.becomeReady();
  await vi.waitFor(() => expect(BrowserWindow.all).toHaveLength(1));
}

function theWindow(): electron.BrowserWindow {
  const [window] = BrowserWindow.all;
  if (window === undefined) throw new Error('There is no window');
  return window;
}

function backendProcess(index = 0): UtilityProcess {
  const child = utilityProcess.forked[index];
  if (child === undefined) throw new Error('The backend was not started');
  return child;
}

/** Plays the backend's process: serves what it is connected to. */
function serve(child: UtilityProcess, version: string): void {
  const info = { version, host: 'desktop', platform: 'linux', arch: 'x64', dataDir: '/' } as const;
  const handlers = { calls: { 'app.info': () => Promise.resolve(info) }, topics: {}, streams: {} } as unknown as Handlers;
  const connect = (message: unknown, ports: MessagePortMain[]): void => {
    if (message === 'connect') for (const port of ports) serveChannel(portCarrier(port), handlers);
  };
  for (const { message, ports } of child.received) connect(message, ports);
  child.on('received', connect);
}

function bridge(): DesktopBridge {
  return electron.exposed.get('hayloft') as DesktopBridge;
}

describe('the start', () => {
  it('sandboxes all, registers the scheme before Electron is ready, and keeps the profile in the data folder', async () => {
    await start();
    expect(app.sandboxed).toBe(true);
    expect(protocol.schemes).toEqual([
      { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
    ]);
    expect(app.paths.get('userData')).toBe(join(folder, 'data', 'desktop'));
    expect(backendProcess().args).toEqual([join(folder, 'data')]);
  });

  it('gives way to an app that runs already', () => {
    app.hasLock = false;
    startShell({ dataDir: folder, rendererDir: folder, preload: '', backendProcess: '' });
    expect(app.quits).toBe(1);
    expect(utilityProcess.forked).toHaveLength(0);
  });

  it('says what is wrong when the renderer was not built', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    startShell({ dataDir: join(folder, 'data'), rendererDir: join(folder, 'none'), preload: '', backendProcess: '' });
    app.becomeReady();
    await vi.waitFor(() => expect(app.exitCode).toBe(1));
    expect(stderr).toHaveBeenCalledWith(expect.stringContaining('could not start'));
    stderr.mockRestore();
  });
});

describe('the window', () => {
  it('is confined, hidden until there is something to see, and colored like the theme', async () => {
    electron.nativeTheme.shouldUseDarkColors = true;
    await start();
    const window = theWindow();
    expect(window.options.webPreferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      preload: '/dist/preload/preload.cjs',
    });
    expect(window.webContents.mainFrame.url).toBe('app://hayloft/');
    expect(window.webContents.openHandler?.({ url: 'https://example.org' })).toEqual({ action: 'deny' });
    expect(window.options['show']).toBe(false);
    expect(window.shown).toBe(false);
    window.emit('ready-to-show');
    expect(window.shown).toBe(true);
    const dark = window.background;
    electron.nativeTheme.shouldUseDarkColors = false;
    electron.nativeTheme.emit('updated');
    expect(window.background).not.toBe(dark);
  });

  it('comes to the front when the app is started again', async () => {
    await start();
    theWindow().minimized = true;
    app.emit('second-instance', {}, ['hayloft'], '/');
    expect(theWindow()).toMatchObject({ minimized: false, focused: 1 });
  });

  it('shows progress on the dock, and news as the system does, for its own page alone', async () => {
    await start();
    bridge().showProgress(0.4);
    expect(theWindow().progress).toBe(0.4);
    bridge().showProgress(null);
    expect(theWindow().progress).toBe(-1);
    electron.Notification.shown = [];
    bridge().notify({ title: 'a.iso is ready', body: '1 GiB uploaded.' });
    expect(electron.Notification.shown.map(({ options }) => options)).toEqual([{ title: 'a.iso is ready', body: '1 GiB uploaded.' }]);
    const before = theWindow().focused;
    electron.Notification.shown[0]?.emit('click');
    expect(theWindow().focused).toBe(before + 1);
    electron.renderer.frame = new electron.Frame('https://example.org/');
    bridge().notify({ title: 'x', body: 'y' });
    bridge().showProgress(0.9);
    expect([electron.Notification.shown.length, theWindow().progress]).toEqual([1, -1]);
  });

  it('hands files that are dropped on its icon to the page', async () => {
    await start();
    const told = vi.fn();
    page.addEventListener('message', (event) => void told((event as MessageEvent).data));
    bridge().takeFiles();
    app.emit('open-file', { preventDefault: () => undefined }, '/discs/a.iso');
    await vi.waitFor(() => expect(told).toHaveBeenCalledWith({ hayloft: 'files', files: [{ name: 'a.iso', path: '/discs/a.iso' }] }));
  });

  it('comes back where it was', async () => {
    await start();
    theWindow().maximize();
    theWindow().close();
    const kept: unknown = JSON.parse(readFileSync(join(folder, 'data', 'desktop', 'window.json'), 'utf8'));
    expect(kept).toEqual({ bounds: { x: 40, y: 50, width: 1000, height: 700 }, maximized: true });
    app.emit('activate');
    expect(theWindow().options).toMatchObject({ x: 40, y: 50, width: 1000, height: 700 });
    expect(theWindow().maximized).toBe(true);
  });
});

describe('the page', () => {
  it('comes from the built files, with the policy of the web host', async () => {
    await start();
    const answer = await protocol.handlers.get('app')?.(new Request('app://hayloft/machines/local'));
    expect(await answer?.text()).toBe('<title>Hayloft</title>');
    expect(answer?.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer?.headers.get('content-security-policy')).toContain("connect-src 'self';");
  });

  it.each(['app://example.org/', 'app://hayloft:1/'])('is not at %s', async (address) => {
    await start();
    expect((await protocol.handlers.get('app')?.(new Request(address)))?.status).toBe(403);
  });

  it('learns the path of a dropped file', () => {
    expect(bridge().pathForFile(new File([], 'a.iso'))).toBe('/files/a.iso');
    expect(bridge().host).toBe('desktop');
  });
});

describe('the connection to the backend', () => {
  it('is handed to the page, a new one each time', async () => {
    await start();
    serve(backendProcess(), '1');
    for (let load = 0; load < 2; load += 1) {
      const carrier = await connectDesktopCarrier(bridge(), page as never);
      expect(await createChannelClient(carrier).call('app.info', {})).toMatchObject({ version: '1' });
      carrier.close();
    }
    expect(backendProcess().received.map(({ message }) => message)).toEqual(['connect', 'connect']);
  });

  it.each([
    ['another page', new electron.Frame('https://example.org/')],
    ['a frame inside our page', new electron.Frame('app://hayloft/', new electron.Frame('app://hayloft/'))],
  ])('is not given to %s', async (_name, frame) => {
    await start();
    electron.renderer.frame = frame;
    electron.ipcRenderer.send(CONNECT, 1);
    expect(backendProcess().received).toEqual([]);
  });

  it('is not made from messages of other windows', async () => {
    const { port1, port2 } = new MessageChannel();
    const message = (source: unknown, ports: unknown[], request: number): Event =>
      Object.assign(new Event('message'), { source, ports, data: { hayloft: 'port', request } });
    const forgedPort = { postMessage: vi.fn(), start: vi.fn(), addEventListener: vi.fn() };
    const forging: DesktopBridge = {
      ...bridge(),
      connect: (request) => {
        page.dispatchEvent(message({}, [forgedPort], request));
        page.dispatchEvent(message(page, [port1], request + 1));
        page.dispatchEvent(message(page, [port1], request));
      },
    };
    const carrier = await connectDesktopCarrier(forging, page as never);
    expect(forgedPort.start).not.toHaveBeenCalled();
    carrier.close();
    port2.close();
  });

  it('is lost with the backend, which is started again, and made anew', async () => {
    await start();
    serve(backendProcess(), '1');
    const carrier = await connectDesktopCarrier(bridge(), page as never);
    const client = createChannelClient(carrier);
    await client.call('app.info', {});
    const following = vi.fn();
    client.subscribe('uploads', {}, { onSnapshot: vi.fn(), onChanges: vi.fn(), onError: following });
    await vi.waitFor(() => expect(following).toHaveBeenCalledWith(expect.objectContaining({ code: 'unsupported' })));

    backendProcess().emit('exit', 1);
    const reconnecting = connectDesktopCarrier(bridge(), page as never);
    await vi.waitFor(() => expect(utilityProcess.forked).toHaveLength(2));
    await expect(client.call('app.info', {})).rejects.toMatchObject({ code: 'connection-lost' });
    serve(backendProcess(1), '2');
    const again = await reconnecting;
    expect(await createChannelClient(again).call('app.info', {})).toMatchObject({ version: '2' });
    again.close();
  });

  it('is not tried again and again at once when the backend keeps failing', async () => {
    await start();
    vi.useFakeTimers();
    backendProcess().emit('exit', 1);
    vi.advanceTimersByTime(1);
    backendProcess(1).emit('exit', 1);
    vi.advanceTimersByTime(999);
    expect(utilityProcess.forked).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(utilityProcess.forked).toHaveLength(3);
  });
});

describe('quitting', () => {
  it('waits for the backend to finish', async () => {
    await start();
    app.quit();
    expect(app.quits).toBe(0);
    expect(backendProcess().received).toEqual([{ message: 'close', ports: [] }]);
    backendProcess().emit('exit', 0);
    await vi.waitFor(() => expect(app.quits).toBe(1));
    expect(utilityProcess.forked).toHaveLength(1);
  });

  it('does not wait for ever', async () => {
    await start();
    vi.useFakeTimers();
    app.quit();
    await vi.advanceTimersByTimeAsync(5000);
    expect(backendProcess().killed).toBe(true);
    expect(app.quits).toBe(1);
  });
});
