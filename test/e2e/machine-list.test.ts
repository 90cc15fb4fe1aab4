import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApp } from '../rig/app.ts';
import type { EngineClient } from '../rig/engine-client.ts';
import { until } from '../rig/until.ts';
import { startSession, type Session } from './session.ts';

const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
let folder = '';
let session: Session;
let engine: EngineClient;
let page: Page;

/** A machine without a disk: it runs, and costs next to nothing. */
async function create(name: string, { namespace = 'default', cores = 1, labels = {} }: { namespace?: string; cores?: number; labels?: Record<string, string> } = {}): Promise<void> {
  const answer = await engine.api('POST', machines.replace('default', namespace), {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name, labels },
    spec: { runStrategy: 'Manual', template: { spec: { domain: { cpu: { cores }, memory: { guest: '32Mi' }, devices: {} } } } },
  });
  expect(answer.status, answer.text).toBe(201);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-e2e-list-'));
  session = await startSession({ dataDir: folder });
  ({ page } = session);
  engine = await session.app.engine();
  await engine.api('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'lab' } });
  for (const number of [1, 2, 3, 10]) await create(`web-${number}`, { labels: { app: 'web' }, cores: number === 10 ? 2 : 1 });
  for (const number of [1, 2]) await create(`db-${number}`, { labels: { app: 'db', tier: 'back' } });
  await create('probe', { namespace: 'lab', labels: { app: 'web' } });
});

afterAll(async () => {
  engine.kubectl(['delete', 'vm', '-n', 'lab', '--all', '--wait=true']);
  // The one that was started anew; the session knows of its first alone.
  await session.app.stop();
  await session.end();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await page.mouse.move(10, 700);
  await page.goto(`${new URL(session.app.url).origin}/#/machines?columns=status,name,cores`);
  await row('web-1').waitFor();
  await page.keyboard.press('Escape');
});

const grid = (): Locator => page.getByRole('grid', { name: 'Machines' });
const row = (name: string): Locator => grid().getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
const names = (): Promise<string[]> => grid().getByRole('link').allInnerTexts();
const selected = async (): Promise<string[]> => grid().locator('[role=row][aria-selected=true]').getByRole('link').allInnerTexts();
async function shows(wanted: string[]): Promise<void> {
  await until(`the list to be ${wanted.join()}`, async () => (await names()).join() === wanted.join()).catch(async () => expect(await names()).toEqual(wanted));
}
const status = (name: string, wanted: string): Promise<void> => row(name).getByText(wanted, { exact: true }).waitFor({ timeout: 60_000 });

describe('finding machines', () => {
  it('narrows the list with every key, and Back leads to the whole of it', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('web- 1');
    await shows(['web-1', 'web-10']);
    expect(page.url()).toContain('search=web-+1');
    await page.goBack();
    await shows(['db-1', 'db-2', 'probe', 'web-1', 'web-2', 'web-3', 'web-10']);
    expect(await page.getByLabel('Search machines').inputValue()).toBe('');
  });

  it('combines filters as chips that can be taken off', async () => {
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('option', { name: 'app=web' }).click();
    await page.getByRole('option', { name: 'lab' }).click();
    await page.keyboard.press('Escape');
    await shows(['probe']);
    await session.picture('list-filters');
    await page.getByRole('button', { name: 'Remove filter Namespace: lab' }).click();
    await shows(['probe', 'web-1', 'web-2', 'web-3', 'web-10']);
    await page.goBack();
    await shows(['probe']);
    await page.getByRole('button', { name: 'Remove all' }).click();
    await shows(['db-1', 'db-2', 'probe', 'web-1', 'web-2', 'web-3', 'web-10']);
  });

  it('says when nothing matches, and what to do', async () => {
    await page.getByLabel('Search machines').fill('nowhere');
    await page.getByText('Nothing is found for “nowhere”').waitFor();
    await session.picture('list-nothing');
    await page.getByRole('button', { name: 'Clear the search' }).click();
    await row('web-1').waitFor();
  });

  it('orders by a column, groups, and shows other columns', async () => {
    await page.getByRole('button', { name: 'CPU' }).click();
    await page.getByRole('button', { name: 'CPU' }).click();
    await shows(['web-10', 'db-1', 'db-2', 'probe', 'web-1', 'web-2', 'web-3']);
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await page.getByRole('menuitemcheckbox', { name: 'Labels' }).click();
    await page.keyboard.press('Escape');
    await row('db-1').getByText('app=db tier=back').waitFor();
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await page.getByRole('menuitemradio', { name: 'Group by namespace' }).click();
    const heading = grid().getByRole('row').filter({ hasText: /lab\s*1 machine/ });
    await heading.waitFor();
    await session.picture('list-groups');
    await heading.getByText('1 machine').click();
    await until('the group to fold up', async () => !(await names()).includes('probe'));
  });

  it('keeps views under a name, over a restart of the app', async () => {
    await page.getByLabel('Search machines').fill('db');
    await shows(['db-1', 'db-2']);
    await page.getByRole('button', { name: 'Views' }).click();
    await page.getByLabel('Name of the view').fill('Databases');
    await page.keyboard.press('Enter');
    await page.getByTitle('Saved views').getByText('Databases').waitFor();
    await session.app.stop();
    session.app = await startApp({ dataDir: folder });
    await page.goto(session.app.url);
    await page.getByRole('link', { name: 'Machines', exact: true }).click();
    await row('web-1').waitFor();
    await page.getByRole('button', { name: 'Views' }).click();
    await page.getByRole('list', { name: 'Saved views' }).getByRole('button', { name: 'Databases', exact: true }).click();
    await shows(['db-1', 'db-2']);
    await page.getByTitle('Saved views').click();
    await page.getByRole('button', { name: 'Delete view Databases' }).click();
    await page.getByRole('list', { name: 'Saved views' }).getByRole('button', { name: 'Databases', exact: true }).waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
  });
});

describe('many at once, by mouse', () => {
  it('selects by click, Ctrl, Shift and all that match', async () => {
    await row('db-2').getByText('Stopped').click();
    expect(await selected()).toEqual(['db-2']);
    await page.getByRole('complementary', { name: 'Machine db-2' }).waitFor();
    await row('web-2').getByText('Stopped').click({ modifiers: ['Shift'] });
    expect(await selected()).toEqual(['db-2', 'probe', 'web-1', 'web-2']);
    await row('probe').getByText('Stopped').click({ modifiers: ['Control'] });
    expect(await selected()).toEqual(['db-2', 'web-1', 'web-2']);
    await page.getByLabel('Search machines').fill('web-');
    await page.getByText('2 selected').waitFor();
    await page.getByLabel('Select all that match').click();
    expect(await selected()).toEqual(['web-1', 'web-2', 'web-3', 'web-10']);
  });

  it('starts them after one question, tells how each fared, and tries the failed ones again', async () => {
    for (const name of ['web-1', 'web-2', 'web-3']) await page.getByLabel(`Select ${name}`, { exact: true }).click();
    await page.getByRole('toolbar').getByRole('button', { name: 'Start', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('web-1, web-2, web-3.').waitFor();
    // Somebody else deletes one of them meanwhile.
    engine.kubectl(['delete', 'vm', 'web-3', '--wait=true']);
    await dialog.getByRole('button', { name: 'Start 3 machines' }).click();
    await dialog.getByText('2 machines started, 1 failed.').waitFor({ timeout: 60_000 });
    const results = dialog.getByRole('list', { name: 'Results' });
    await results.getByRole('listitem').filter({ hasText: 'Failed' }).getByText('web-3', { exact: true }).waitFor();
    await session.picture('list-bulk-results');
    await create('web-3', { labels: { app: 'web' } });
    await dialog.getByRole('button', { name: 'Try the failed again' }).click();
    await dialog.getByText('3 machines started.').waitFor({ timeout: 60_000 });
    await dialog.getByRole('button', { name: 'Close' }).click();
    for (const name of ['web-1', 'web-2', 'web-3']) await status(name, 'Running');
  });

  it('forces them off by the context menu, and leaves alone what does not run', async () => {
    for (const name of ['web-1', 'web-2', 'web-3', 'db-1']) await page.getByLabel(`Select ${name}`, { exact: true }).click();
    await row('web-2').getByText('Running').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Force off 3 machines' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('1 machine is left alone').click();
    await dialog.getByText('It is not running.').waitFor();
    await session.picture('list-bulk-question');
    await dialog.getByRole('button', { name: 'Force off 3 machines' }).click();
    await dialog.getByText('3 machines forced off.').waitFor({ timeout: 60_000 });
    await dialog.getByRole('button', { name: 'Close' }).click();
    for (const name of ['web-1', 'web-2', 'web-3']) await status(name, 'Stopped');
  });

  it('labels them, and takes what is no label at its field', async () => {
    for (const name of ['db-1', 'db-2']) await page.getByLabel(`Select ${name}`, { exact: true }).click();
    await page.getByRole('button', { name: 'More actions for the selected' }).click();
    await page.getByRole('menuitem', { name: 'Label 2 machines' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Label', { exact: true }).fill('-team');
    await dialog.getByText('begins and ends with a letter or digit').waitFor();
    await dialog.getByLabel('Label', { exact: true }).fill('team');
    await dialog.getByLabel('Value').fill('blue');
    await dialog.getByRole('button', { name: 'Label 2 machines' }).click();
    await dialog.getByText('2 machines labelled.').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    expect(engine.kubectl(['get', 'vm', '-l', 'team=blue', '-o', 'name']).trim().split('\n')).toHaveLength(2);
  });
});

describe('by keyboard alone', () => {
  it('moves, selects ranges and all, and opens the machine', async () => {
    await grid().focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Shift+ArrowUp');
    await page.keyboard.press('Shift+ArrowUp');
    expect(await selected()).toEqual(['web-2', 'web-3', 'web-10']);
    await page.keyboard.press('Control+a');
    expect(await selected()).toHaveLength(7);
    await page.keyboard.press('Escape');
    expect(await selected()).toEqual([]);
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    expect(await selected()).toEqual(['db-2']);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'db-2', exact: true }).waitFor();
    await page.goBack();
    await row('db-2').waitFor();
  });

  it('opens the menu of a row by Shift-F10 and the menu key, and starts the machine from it', async () => {
    await grid().focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ContextMenu');
    await page.getByRole('menu', { name: 'Actions for db-1' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('menu').waitFor({ state: 'detached' });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Shift+F10');
    await page.getByRole('menu', { name: 'Actions for db-2' }).waitFor();
    await session.picture('list-context-menu');
    const isAt = (name: string) => async (): Promise<boolean> => (await page.getByRole('menuitem', { name, exact: true }).getAttribute('data-highlighted')) !== null;
    await until('the first entry to have the focus', isAt('Start'));
    await page.keyboard.press('ArrowDown');
    await until('the next one to have it, though it cannot be used', isAt('Shut down'));
    await page.getByText('It is not running.', { exact: true }).waitFor();
    await page.keyboard.press('Enter');
    for (const name of ['Restart', 'Pause', 'More about power']) {
      await page.keyboard.press('ArrowDown');
      await until(`${name} to have it`, isAt(name));
    }
    await page.keyboard.press('ArrowRight');
    await until('the first one of the menu beside it to have it', isAt('Start paused'));
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Home');
    await until('the first entry to have it again', isAt('Start'));
    await page.keyboard.press('Enter');
    await status('db-2', 'Running');
    expect(await grid().evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it('deletes after the question was answered in words', async () => {
    await create('old-1');
    await create('old-2');
    await page.keyboard.press('/');
    await page.keyboard.type('old');
    await shows(['old-1', 'old-2']);
    await grid().focus();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('to confirm').fill('delete 2');
    await page.keyboard.press('Enter');
    await dialog.getByText('2 machines deleted.').waitFor();
    await page.keyboard.press('Escape');
    await until('them to be gone', () => !engine.kubectl(['get', 'vm', '-o', 'name']).includes('old-'));
  });

  it('finds a machine and what can be done to it by Ctrl-K, recent ones first', async () => {
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('option', { name: 'web-1' }).first().waitFor();
    await page.keyboard.type('force db2');
    await page.getByRole('option', { name: 'Force off db-2' }).waitFor();
    await session.picture('palette');
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Force off' }).click();
    await status('db-2', 'Stopped');
    // On a busy computer frames come late; what is typed before the next one is meant for the palette all the same.
    const late = await page.evaluateHandle(() => {
      const prompt = window.requestAnimationFrame.bind(window);
      window.requestAnimationFrame = (draw) => window.setTimeout(() => draw(performance.now()), 500);
      return { end: () => (window.requestAnimationFrame = prompt) };
    });
    await page.keyboard.press('Control+k');
    await page.keyboard.type('wb10');
    expect(await page.getByPlaceholder('Search machines, pages and actions').inputValue()).toBe('wb10');
    await late.evaluate(({ end }) => end());
    await until('the machine to be first', async () => (await page.getByRole('option').first().innerText()).startsWith('web-10'));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'web-10', exact: true }).waitFor();
    await page.keyboard.press('Control+k');
    await until('it to be remembered', async () => (await page.getByRole('option').first().innerText()).startsWith('web-10'));
    await page.keyboard.press('Escape');
  });
});

it('keeps rows in their places while somebody points at them', async () => {
  await page.getByRole('button', { name: 'CPU' }).click();
  await shows(['db-1', 'db-2', 'probe', 'web-1', 'web-2', 'web-3', 'web-10']);
  await row('db-2').hover();
  engine.kubectl(['patch', 'vm', 'db-1', '--type', 'merge', '-p', '{"spec":{"template":{"spec":{"domain":{"cpu":{"cores":4}}}}}}']);
  await until('the change to be seen', async () => {
    // Whoever aims moves a little.
    await page.mouse.move(600 + Math.random() * 9, 270);
    return (await row('db-1').innerText()).includes('4');
  });
  expect(await names()).toEqual(['db-1', 'db-2', 'probe', 'web-1', 'web-2', 'web-3', 'web-10']);
  await page.getByText('order held').waitFor();
  await page.mouse.move(10, 700);
  await shows(['db-2', 'probe', 'web-1', 'web-2', 'web-3', 'web-10', 'db-1']);
});
