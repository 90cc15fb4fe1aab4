/** One test's app, browser and page, and what is kept of them when a test fails. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { startApp, type AppOptions, type RigApp } from '../rig/app.ts';
import { launchBrowser } from '../rig/browser.ts';
import { repository } from '../rig/engine.ts';

const pictures = join(repository, 'test', '.artifacts', 'screens');

export interface Session {
  app: RigApp;
  page: Page;
  /** Keeps a picture of the page under test/.artifacts/screens. */
  picture(name: string): Promise<void>;
  end(): Promise<void>;
}

export async function startSession(options: AppOptions = {}): Promise<Session> {
  mkdirSync(pictures, { recursive: true });
  const app = await startApp(options);
  const browser: Browser = await launchBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(app.url);
  return {
    app,
    page,
    picture: async (name) => {
      await page.screenshot({ path: join(pictures, `${name}.png`) });
    },
    end: async () => {
      await browser.close();
      await app.destroy();
    },
  };
}
