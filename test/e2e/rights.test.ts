/** Pages for who may only look, for who may not even look, for who does not see well, and while the cluster cannot be reached. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { enginePid } from '../rig/app.ts';
import { repository } from '../rig/engine.ts';
import { until } from '../rig/until.ts';
import { graveViolations } from './accessibility.ts';
import { startSession, type Session } from './session.ts';

let session: Session;

const open = (cluster: string, tab: string): Promise<unknown> =>
  session.page.evaluate((hash) => (location.hash = hash), `#/machines/${cluster}/default/web/${tab}`);

/** Goes to another page, and waits until the one before it is gone. */
const drawn = (page: Page, hash: string): Promise<void> =>
  page.evaluate(
    (to) =>
      new Promise<void>((resolve) => {
        addEventListener('hashchange', () => requestAnimationFrame(() => requestAnimationFrame(() => resolve())), { once: true });
        location.hash = to;
      }),
    hash,
  );

beforeAll(async () => {
  session = await startSession();
  session.page.setDefaultTimeout(10_000);
  const engine = await session.app.engine();
  const { dataDir } = session.app;
  engine.kubectl(['apply', '-f', '-'], stringify({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'web' },
    spec: { runStrategy: 'Halted', template: { spec: { domain: { memory: { guest: '32Mi' }, devices: { disks: [{ name: 'root', disk: {} }] } }, volumes: [{ name: 'root', dataVolume: { name: 'root' } }] } } },
  }));
  engine.kubectl(['apply', '-f', '-'], stringify({
    apiVersion: 'cdi.kubevirt.io/v1beta1',
    kind: 'DataVolume',
    metadata: { name: 'root' },
    spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Mi' } } } },
  }));
  await until('its disk', () => engine.kubectl(['get', 'dv', 'root', '-o', 'jsonpath={.status.phase}']) === 'Succeeded');
  engine.kubectl(['apply', '-f', '-'], stringify({
    apiVersion: 'snapshot.kubevirt.io/v1beta1',
    kind: 'VirtualMachineSnapshot',
    metadata: { name: 'before' },
    spec: { source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'web' } },
  }));
  const main = join(repository, 'dist', 'engine', 'main.js');
  const printed = execFileSync(process.execPath, [main, 'token', 'create', 'tablet', '--role', 'viewer', '--data-dir', join(dataDir, 'engine')], { encoding: 'utf8' });
  const kubeconfig = printed.slice(printed.indexOf('apiVersion'));
  engine.kubectl(['create', 'serviceaccount', 'nobody']);
  const token = engine.kubectl(['create', 'token', 'nobody']).trim();
  mkdirSync(join(dataDir, 'clusters'), { recursive: true });
  writeFileSync(join(dataDir, 'clusters', 'viewer.yaml'), kubeconfig);
  writeFileSync(join(dataDir, 'clusters', 'nobody.yaml'), kubeconfig.replace(/token: .*/, `token: ${token}`));
  await session.page.evaluate(() => (location.hash = '#/clusters'));
  await until('both to be known', async () => (await session.page.getByRole('button', { name: 'Actions for hayloft' }).count()) === 2);
});

afterAll(async () => {
  await session.end();
});

it('lets a viewer look, and says why nothing can be done', async () => {
  const { page } = session;
  await open('viewer', 'console');
  await page.getByText('You may not open the screen of this machine').waitFor();
  await open('viewer', 'serial');
  await page.getByText('You may not open the serial line of this machine').waitFor();
  await open('viewer', 'ssh');
  await page.getByText('You may not open connections into this machine').waitFor();
  expect(await page.getByRole('button', { name: 'Log in' }).count()).toBe(0);
  await open('viewer', 'snapshots');
  for (const name of ['Restore…', 'Delete…', 'Take snapshot…', 'Download backup…']) expect(await page.getByRole('button', { name }).isDisabled()).toBe(true);
  expect(await page.getByRole('button', { name: 'Delete…' }).getAttribute('title')).toContain('You may not');
  await open('viewer', 'access');
  await page.getByText('You may not do this on this cluster').last().waitFor();
  await open('viewer', 'yaml');
  await page.getByText('Read only: you may not change it').waitFor();
  expect(await page.getByRole('textbox', { name: 'Definition of the machine' }).getAttribute('aria-readonly')).toBe('true');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  expect(await page.getByRole('menuitem', { name: 'Screen' }).getAttribute('aria-disabled')).toBe('true');
  await page.keyboard.press('Escape');
});

it('tells who may not see machines so, and not that there are none', async () => {
  const { page } = session;
  await open('nobody', 'overview');
  await page.getByRole('heading', { name: /^You may not see machines on/ }).waitFor();
  await open('elsewhere', 'overview');
  await page.getByText('There is no cluster “elsewhere”').waitFor();
});

it('has nothing on its pages that keeps people out who see little or nothing, in either colour scheme', async () => {
  const { page } = session;
  const tabs = ['overview', 'console', 'disks', 'networks', 'snapshots', 'events', 'access', 'yaml'].map((tab) => `#/machines/local/default/web/${tab}`);
  const found: Record<string, string[]> = {};
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const hash of ['#/', '#/machines', '#/machines/new', '#/images', '#/images/catalog', '#/nodes', '#/clusters', '#/clusters/add', ...tabs]) {
      await drawn(page, hash);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await until('it to be loaded', async () => (await page.getByRole('main').getByLabel('Loading').count()) === 0);
      const violations = await graveViolations(page);
      if (violations.length > 0) found[`${hash}, ${colorScheme}`] = violations;
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  expect(found).toEqual({});
});

it('says how old it is what is shown of a cluster that does not answer', async () => {
  const { page } = session;
  await open('local', 'disks');
  const start = page.getByRole('button', { name: 'Start', exact: true });
  await until('it to be startable', async () => await start.isEnabled());
  const pid = enginePid(join(session.app.dataDir, 'engine')) ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    await page.getByText(/^As it was /).waitFor();
    expect(await start.isDisabled()).toBe(true);
    expect(await start.getAttribute('title')).toBe('This computer cannot be reached now.');
    await page.getByText('The engine on this computer does not answer.').waitFor();
    await page.getByText(`Otherwise end process ${pid}`).waitFor();
    await session.picture('rights-frozen-engine');
    await page.evaluate(() => (location.hash = '#/machines/local/default/other/overview'));
    await page.getByRole('heading', { name: 'This computer cannot be reached now.' }).waitFor();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await open('local', 'disks');
  await until('it to be startable again', async () => await start.isEnabled());
});
