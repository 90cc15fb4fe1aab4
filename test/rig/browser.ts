/** The system's own Chromium, driven by Playwright. */
import { chromium, type Browser, type Page } from 'playwright-core';
import { thisComputer } from '../../shared/host/this-computer.ts';

/** No requests of its own to anywhere: the tests' machines have no way out. */
const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

/** Starts a headless browser. Where tests run as root Chromium's own sandbox cannot. */
export function launchBrowser(): Promise<Browser> {
  const name = ['chromium', 'chromium-browser', 'google-chrome'].find((command) => thisComputer.hasCommand(command));
  return chromium.launch({
    executablePath: `/usr/bin/${name ?? 'chromium'}`,
    args: [...quiet, '--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
  });
}

/**
 * Drops files of this computer on the middle of the page, as a person does from a file manager: the browser itself
 * opens them by path, in whatever size they are.
 */
export async function dropFiles(page: Page, paths: readonly string[]): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const { width = 0, height = 0 } = page.viewportSize() ?? {};
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, x: width / 2, y: height / 2, data });
  }
  await devtools.detach();
}
