/** The real desktop app in a real Electron, where its binary is to be had. Needs dist/ to be built. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron } from 'playwright-core';
import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findElectron } from '../../build/lib/electron.ts';
import { root } from '../../build/lib/root.ts';
import { enginePid } from '../rig/app.ts';

const electron = findElectron();
const missing = 'Electron’s binary is not here: set ELECTRON_OVERRIDE_DIST_PATH, or let `npm start` download it';

/** Calls `app.info` over a new connection, from inside the page and by nothing but what the page has. */
function appInfo(page: Page, request: number): Promise<unknown> {
  return page.evaluate(
    (number) =>
      new Promise((resolve) => {
        window.addEventListener('message', (event: MessageEvent<{ hayloft?: string; request?: number }>) => {
          const [port] = event.ports;
          if (event.data.hayloft !== 'port' || event.data.request !== number || port === undefined) return;
          port.onmessage = ({ data }: MessageEvent<string>) => resolve(JSON.parse(data));
          port.postMessage(JSON.stringify({ t: 'call', id: 1, name: 'app.info', input: {} }));
        });
        window.hayloft?.connect(number);
      }),
    request,
  );
}

describe('the desktop app', () => {
  let folder: string;
  let app: ElectronApplication;
  let page: Page;

  beforeAll(async () => {
    if (electron === undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'hayloft-desktop-e2e-'));
    app = await _electron.launch({
      executablePath: electron,
      // Chromium's own sandbox does not work for root.
      args: [root, '--data-dir', folder, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    });
    page = await app.firstWindow();
  });
  afterAll(async () => {
    if (electron === undefined) return;
    await app.close();
    // The engine lives on, as it should; this one is nobody's.
    const engine = enginePid(join(folder, 'engine'));
    if (engine !== undefined) process.kill(engine, 'SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach((context) => {
    if (electron === undefined) context.skip(missing);
  });

  it('shows its own page, which has the bridge and nothing of Node', async () => {
    expect(page.url()).toBe('app://hayloft/');
    const globals = await page.evaluate(() => ({
      host: window.hayloft?.host,
      bridge: Object.keys(window.hayloft ?? {}).sort(),
      process: typeof (globalThis as Record<string, unknown>)['process'],
      require: typeof (globalThis as Record<string, unknown>)['require'],
    }));
    expect(globals).toEqual({ host: 'desktop', bridge: ['connect', 'host', 'pathForFile'], process: 'undefined', require: 'undefined' });
  });

  it('reaches the backend', async () => {
    expect(await appInfo(page, 1001)).toMatchObject({ t: 'result', output: { host: 'desktop', dataDir: folder } });
  });

  it('neither leaves its page, nor opens windows, nor reaches the network', async () => {
    await page.evaluate(() => {
      location.href = 'https://example.org/';
    });
    expect(await page.evaluate(() => window.open('https://example.org/') === null)).toBe(true);
    await expect(page.evaluate(() => fetch('https://example.org/'))).rejects.toThrow();
    await expect(page.evaluate('eval("1")')).rejects.toThrow();
    expect(page.url()).toBe('app://hayloft/');
    expect(app.windows()).toHaveLength(1);
  });

  it('gets a new backend when its own dies', async () => {
    const pid = await app.evaluate(
      ({ app: electronApp }) => electronApp.getAppMetrics().find(({ name }) => name === 'Hayloft backend')?.pid,
    );
    if (pid === undefined) throw new Error('The backend’s process was not found');
    const lost = page.evaluate(
      () =>
        new Promise<boolean>((resolve) => {
          window.addEventListener('message', (event: MessageEvent<{ hayloft?: string }>) => {
            if (event.data.hayloft === 'backend-lost') resolve(true);
          });
        }),
    );
    // The listener above is in place once the page answers again.
    await page.evaluate(() => 0);
    process.kill(pid, 'SIGKILL');
    expect(await lost).toBe(true);
    expect(await appInfo(page, 1002)).toMatchObject({ t: 'result', output: { host: 'desktop' } });
  });
});
