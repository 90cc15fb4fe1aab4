/** An answer that comes late must not take the place of what somebody does by then. The engine is held still for it. */
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enginePid } from '../rig/app.ts';
import type { EngineClient } from '../rig/engine-client.ts';
import { makePowerMachine, servePowerDisk } from '../rig/power-machine.ts';
import { until } from '../rig/until.ts';
import { choose } from './menus.ts';
import { runByKeys } from './palette.ts';
import { startSession, type Session } from './session.ts';

let session: Session;
let engine: EngineClient;
let pid: number;

const dialog = (): Locator => session.page.getByRole('dialog');
const toast = (text: string): Locator => session.page.locator('.toasts').getByText(text);

async function fromPage(name: string, action: string): Promise<void> {
  await session.page.evaluate((hash) => (location.hash = hash), `#/machines/local/default/${name}`);
  await session.page.getByRole('heading', { name, exact: true }).waitFor();
  await session.page.getByRole('button', { name: 'More actions' }).click();
  await choose(session.page, action);
}

/** Does something while nothing is answered. */
async function meanwhile(doing: () => Promise<void>): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await doing();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

beforeAll(async () => {
  session = await startSession();
  engine = await session.app.engine();
  pid = enginePid(join(session.app.dataDir, 'engine')) ?? 0;
  const images = await servePowerDisk();
  for (const name of ['web', 'twin']) await makePowerMachine(engine, images, { name, runStrategy: 'Manual' });
  images.close();
});

afterAll(() => session.end());

it('leaves a question open that was asked after the one that is answered, and tells that one’s failure all the same', async () => {
  const { page } = session;
  const askAnother = (button: string): Promise<void> =>
    meanwhile(async () => {
      await dialog().getByRole('button', { name: button }).click();
      await runByKeys(page, 'Take snapshot twin');
      await dialog().getByLabel('Description').waitFor();
    });
  await fromPage('twin', 'Clone');
  await dialog().getByLabel('Name of the new machine').fill('web');
  await askAnother('Clone machine');
  await toast('There is a machine called “web” already.').waitFor();
  await dialog().getByLabel('Name').fill('early');
  await page.keyboard.press('Enter');
  await toast('The snapshot early is ready.').waitFor();

  await fromPage('twin', 'Description and labels');
  await dialog().getByLabel('Description', { exact: true }).fill('Written late');
  await askAnother('Save');
  await until('it to be written', () => engine.kubectl(['get', 'vm', 'twin', '-o', 'jsonpath={.metadata.annotations}']).includes('Written late'));
  await dialog().getByLabel('Name').fill('late');
  await page.keyboard.press('Enter');
  await toast('The snapshot late is ready.').waitFor();
});

it('gives the keyboard to the first field of a question that is read late, and not to one who went elsewhere', async () => {
  const { page } = session;
  const cancel = dialog().getByRole('button', { name: 'Cancel' });
  const focused = (): Promise<unknown> => page.evaluate(() => document.activeElement?.getAttribute('name') ?? document.activeElement?.textContent);
  await page.evaluate(() => (location.hash = '#/machines/local/default/web/disks'));
  await page.getByRole('button', { name: 'Actions for root', exact: true }).click();
  await meanwhile(async () => {
    await choose(page, 'Expand…');
    await until('the question to begin', async () => (await focused()) === 'Cancel');
  });
  await until('the size to take the focus', async () => (await focused()) === 'size');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'More actions' }).click();
  await meanwhile(async () => {
    await choose(page, 'Resize');
    await cancel.waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Shift+Tab');
  });
  await dialog().getByLabel('CPU cores').waitFor();
  expect(await cancel.evaluate((button) => button === document.activeElement)).toBe(true);
  await page.keyboard.press('Escape');
});
