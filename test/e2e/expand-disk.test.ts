/** Disks are made larger from the machine's page and the list, while the machine is off and while it runs. */
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EngineClient } from '../rig/engine-client.ts';
import { makePowerMachine, servePowerDisk, type PowerImages } from '../rig/power-machine.ts';
import { until } from '../rig/until.ts';
import { choose } from './menus.ts';
import { startSession, type Session } from './session.ts';

let session: Session;
let engine: EngineClient;
let images: PowerImages;

const field = (path: string, ...args: string[]): string => engine.kubectl(['get', ...args, '-o', `jsonpath={${path}}`]);
const dialog = (): Locator => session.page.getByRole('dialog');
const toast = (text: string | RegExp): Locator => session.page.locator('.toasts').getByText(text);
const capacity = (): string => field('.status.capacity.storage', 'pvc', 'web-root');

beforeAll(async () => {
  session = await startSession();
  session.page.setDefaultTimeout(8_000);
  engine = await session.app.engine();
  images = await servePowerDisk();
  await makePowerMachine(engine, images, { name: 'web', runStrategy: 'Manual' });
});

afterAll(async () => {
  images.close();
  await session.end();
});

async function ask(): Promise<void> {
  const { page } = session;
  await page.evaluate(() => (location.hash = '#/machines/local/default/web/disks'));
  await page.getByRole('button', { name: 'Actions for root', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Expand…' }).click();
}

it('makes them only ever larger, and says what is left to the guest', async () => {
  await ask();
  await dialog().getByLabel('New size, GiB').fill('0.0001');
  await dialog().getByText('disks can only grow').waitFor();
  expect(await dialog().getByRole('button', { name: 'Expand disk' }).isDisabled()).toBe(true);
  await dialog().getByLabel('New size, GiB').fill('0.5');
  await dialog().getByText('The machine has it when it starts.').waitFor();
  await session.picture('actions-expand');
  await dialog().getByRole('button', { name: 'Expand disk' }).click();
  await toast(/^root has 512 MiB now/).waitFor();
  expect(capacity()).toBe('512Mi');
});

it('does so while the machine runs', async () => {
  await engine.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/web/start', {});
  await until('it to run', () => field('.status.printableStatus', 'vm', 'web') === 'Running');
  await ask();
  await dialog().getByText('It grows while the machine runs.').waitFor();
  await dialog().getByLabel('New size, GiB').fill('0.75');
  await dialog().getByRole('button', { name: 'Expand disk' }).click();
  await toast(/^root has 768 MiB now/).waitFor();
  expect(capacity()).toBe('768Mi');
});

it('is not offered where the storage class does not allow it', async () => {
  const { page } = session;
  engine.kubectl(['patch', 'storageclass', field('.spec.storageClassName', 'pvc', 'web-root'), '-p', '{"allowVolumeExpansion":false}']);
  await page.getByRole('link', { name: 'Machines', exact: true }).click();
  await page.getByRole('button', { name: 'Actions for web', exact: true }).click();
  await choose(page, 'Expand disk');
  await dialog().getByRole('radio', { name: /root/ }).check();
  await dialog().getByText('This disk cannot grow.').waitFor();
  expect(await dialog().getByRole('button', { name: 'Expand disk' }).isDisabled()).toBe(true);
});
