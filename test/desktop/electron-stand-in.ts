/**
 * A stand-in for the `electron` module, for the shell's unit tests: Electron's binary cannot be had everywhere.
 * It imitates what the shell uses and how Electron's events look, and notes what it was told. Message channels are
 * real ones (Node's). The real Electron is tested by desktop.e2e.test.ts.
 */
import { EventEmitter } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort as NodePort } from 'node:worker_threads';

type Arguments = unknown[];

/** A port outside the renderer: speaks in events with a `data`, as `MessagePortMain` does. */
export class MessagePortMain extends EventEmitter {
  readonly port: NodePort;

  constructor(port: NodePort) {
    super();
    this.port = port;
    port.on('close', () => this.emit('close'));
  }

  postMessage(message: unknown): void {
    this.port.postMessage(message);
  }

  start(): void {
    this.port.on('message', (data: unknown) => this.emit('message', { data }));
  }

  close(): void {
    this.port.close();
  }
}

export class MessageChannelMain {
  readonly port1: MessagePortMain;
  readonly port2: MessagePortMain;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port1 = new MessagePortMain(port1);
    this.port2 = new MessagePortMain(port2);
  }
}

/** A frame of a page, from the main process; what is posted to it reaches the preload script. */
export class Frame {
  url: string;
  parent: Frame | null;
  detached = false;

  constructor(url: string, parent: Frame | null = null) {
    this.url = url;
    this.parent = parent;
  }

  postMessage(channel: string, message: unknown, ports: MessagePortMain[] = []): void {
    ipcRenderer.emit(channel, { ports: ports.map(({ port }) => port) }, message);
  }
}

export class WebContents extends EventEmitter {
  mainFrame = new Frame('about:blank');
  openHandler: ((details: { url: string }) => { action: string }) | undefined;

  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
    this.openHandler = handler;
  }

  send(channel: string, ...values: Arguments): void {
    ipcRenderer.emit(channel, { ports: [] }, ...values);
  }
}

export interface BrowserWindowOptions {
  [name: string]: unknown;
  webPreferences: Record<string, unknown>;
}

export class BrowserWindow extends EventEmitter {
  static all: BrowserWindow[] = [];
  static getAllWindows(): BrowserWindow[] {
    return BrowserWindow.all;
  }

  readonly webContents = new WebContents();
  readonly options: BrowserWindowOptions;
  background: unknown;
  maximized = false;
  minimized = false;
  shown = false;
  progress = -1;
  focused = 0;

  constructor(options: BrowserWindowOptions) {
    super();
    this.options = options;
    this.background = options['backgroundColor'];
    BrowserWindow.all.push(this);
    app.emit('web-contents-created', {}, this.webContents);
  }

  loadURL(url: string): Promise<void> {
    this.webContents.mainFrame = new Frame(url);
    return Promise.resolve();
  }

  setBackgroundColor(color: string): void {
    this.background = color;
  }

  show(): void {
    this.shown = true;
  }

  setProgressBar(progress: number): void {
    this.progress = progress;
  }

  focus(): void {
    this.focused += 1;
  }

  isMinimized(): boolean {
    return this.minimized;
  }

  restore(): void {
    this.minimized = false;
  }

  maximize(): void {
    this.maximized = true;
  }

  isMaximized(): boolean {
    return this.maximized;
  }

  getNormalBounds(): { x: number; y: number; width: number; height: number } {
    return { x: 40, y: 50, width: 1000, height: 700 };
  }

  close(): void {
    this.emit('close');
    BrowserWindow.all = BrowserWindow.all.filter((window) => window !== this);
    this.emit('closed');
  }
}

class App extends EventEmitter {
  isPackaged = false;
  sandboxed = false;
  hasLock = true;
  quits = 0;
  exitCode: number | undefined;
  readonly paths = new Map<string, string>();
  #ready = Promise.withResolvers<undefined>();
  #isReady = false;

  enableSandbox(): void {
    this.sandboxed = true;
  }

  setPath(name: string, path: string): void {
    this.paths.set(name, path);
  }

  requestSingleInstanceLock(): boolean {
    return this.hasLock;
  }

  whenReady(): Promise<undefined> {
    return this.#ready.promise;
  }

  isReady(): boolean {
    return this.#isReady;
  }

  becomeReady(): void {
    this.#isReady = true;
    this.#ready.resolve(undefined);
  }

  /** Asks the listeners of `will-quit`; counts when none of them objects. */
  quit(): void {
    const event = new Event('will-quit', { cancelable: true });
    this.emit('will-quit', event);
    if (!event.defaultPrevented) this.quits += 1;
  }

  exit(code: number): void {
    this.exitCode = code;
  }

  /** As before the program began. */
  reset(): void {
    this.removeAllListeners();
    this.hasLock = true;
    this.sandboxed = false;
    this.quits = 0;
    this.exitCode = undefined;
    this.#isReady = false;
    this.#ready = Promise.withResolvers();
  }
}
export const app = new App();

type RequestHandler = (request: Request) => Response | Promise<Response>;

export const protocol = {
  schemes: [] as unknown[],
  handlers: new Map<string, RequestHandler>(),
  registerSchemesAsPrivileged(schemes: unknown[]): void {
    if (app.isReady()) throw new Error('Schemes must be registered before the app is ready.');
    this.schemes.push(...schemes);
  },
  handle(scheme: string, handler: RequestHandler): void {
    this.handlers.set(scheme, handler);
  },
};

type PermissionRequest = (contents: unknown, permission: string, callback: (granted: boolean) => void, details: object) => void;
type PermissionCheck = (contents: unknown, permission: string, origin: string, details: object) => boolean;
type BeforeRequest = (details: { url: string }, callback: (answer: { cancel?: boolean }) => void) => void;

class Session {
  permissionRequest: PermissionRequest | undefined;
  permissionCheck: PermissionCheck | undefined;
  device: (() => boolean) | undefined;
  beforeRequest: BeforeRequest | undefined;
  filter: { urls: string[] } | undefined;
  readonly webRequest = {
    onBeforeRequest: (filter: { urls: string[] }, handler: BeforeRequest): void => {
      this.filter = filter;
      this.beforeRequest = handler;
    },
  };

  setPermissionRequestHandler(handler: PermissionRequest): void {
    this.permissionRequest = handler;
  }

  setPermissionCheckHandler(handler: PermissionCheck): void {
    this.permissionCheck = handler;
  }

  setDevicePermissionHandler(handler: () => boolean): void {
    this.device = handler;
  }
}
export const session = { defaultSession: new Session() };

export const ipcMain = new EventEmitter();

/** The frame in which the preload script runs. */
export const renderer = { frame: new Frame('app://hayloft/') };

class IpcRenderer extends EventEmitter {
  send(channel: string, ...values: Arguments): void {
    ipcMain.emit(channel, { senderFrame: renderer.frame }, ...values);
  }
}
export const ipcRenderer = new IpcRenderer();

export const exposed = new Map<string, unknown>();
export const contextBridge = {
  exposeInMainWorld: (name: string, value: unknown): void => {
    exposed.set(name, value);
  },
};
export const webUtils = { getPathForFile: (file: File): string => `/files/${file.name}` };

/** A child process that a test plays: it sees what is posted to it and says when it ends. */
export class UtilityProcess extends EventEmitter {
  readonly path: string;
  readonly args: string[];
  readonly received: { message: unknown; ports: MessagePortMain[] }[] = [];
  killed = false;

  constructor(path: string, args: string[]) {
    super();
    this.path = path;
    this.args = args;
  }

  postMessage(message: unknown, ports: MessagePortMain[] = []): void {
    this.received.push({ message, ports });
    this.emit('received', message, ports);
  }

  kill(): boolean {
    this.killed = true;
    return true;
  }
}

export const utilityProcess = {
  forked: [] as UtilityProcess[],
  fork(path: string, args: string[]): UtilityProcess {
    const child = new UtilityProcess(path, args);
    this.forked.push(child);
    return child;
  },
};

class NativeTheme extends EventEmitter {
  shouldUseDarkColors = false;
}
export const nativeTheme = new NativeTheme();

export const screen = {
  getAllDisplays: (): object[] => [{ workArea: { x: 0, y: 25, width: 1920, height: 1055 } }],
};

export const Menu = {
  template: undefined as unknown,
  buildFromTemplate: (template: unknown): unknown => template,
  setApplicationMenu(menu: unknown): void {
    this.template = menu;
  },
};

export class Notification extends EventEmitter {
  static shown: Notification[] = [];
  static isSupported(): boolean {
    return true;
  }

  readonly options: { title: string; body: string };

  constructor(options: { title: string; body: string }) {
    super();
    this.options = options;
  }

  show(): void {
    Notification.shown.push(this);
  }
}

export const shell = { openPath: (): Promise<string> => Promise.resolve('') };
