/** What comes late: it must not take the place, or the keys, of what somebody does by then. The engine is held still for it. */
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
const isNow = (name: string, wanted: string): Promise<unknown> =>
  until(`${name} to be ${wanted}`, () => engine.kubectl(['get', 'vm', name, '-o', 'jsonpath={.status.printableStatus}']) === wanted);

async function open(name: string, tab = ''): Promise<void> {
  await session.page.evaluate((hash) => (location.hash = hash), `#/machines/local/default/${name}${tab}`);
  await session.page.getByRole('heading', { name, exact: true }).waitFor();
}

async function fromPage(name: string, action: string): Promise<void> {
  await open(name);
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

it('leaves the keys to a menu that is open when the screen connects', async () => {
  const { page } = session;
  await runByKeys(page, 'Start web');
  await isNow('web', 'Running');
  await open('web', '/overview');
  await meanwhile(async () => {
    await page.getByRole('link', { name: 'Console', exact: true }).click();
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Change', exact: true }).focus();
  });
  await until('the screen', () => page.evaluate(() => [...document.querySelectorAll('button')].some(({ textContent, disabled }) => textContent.includes('Ctrl+Alt+Del') && !disabled)));
  expect(await page.evaluate(() => document.activeElement?.textContent.trim())).toBe('Change');
  await page.keyboard.press('ArrowRight');
  await page.getByRole('menuitem', { name: 'Resize' }).waitFor();
});
