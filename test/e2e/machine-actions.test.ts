/** What can be done to a machine, by mouse and by keyboard, from the list, its page and the palette, to real guests. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { VirtualMachine } from '../../shared/kube/kubevirt.ts';
import { startApp } from '../rig/app.ts';
import { launchBrowser } from '../rig/browser.ts';
import type { EngineClient } from '../rig/engine-client.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { makePowerMachine, servePowerDisk, type PowerImages } from '../rig/power-machine.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { choose } from './menus.ts';
import { runByKeys } from './palette.ts';
import { startSession, type Session } from './session.ts';

let session: Session;
let engine: EngineClient;
let images: PowerImages;

const get = <T>(...args: string[]): T => JSON.parse(engine.kubectl(['get', ...args, '-o', 'json'])) as T;
const field = (path: string, ...args: string[]): string => engine.kubectl(['get', ...args, '--ignore-not-found', '-o', `jsonpath={${path}}`]);
const status = (name: string): string => field('.status.printableStatus', 'vm', name);
const isNow = (name: string, wanted: string): Promise<unknown> => until(`${name} to be ${wanted}`, () => status(name) === wanted);
const machine = (name: string): VirtualMachine => get('vm', name);
const dialog = (): Locator => session.page.getByRole('dialog');
const toast = (text: string | RegExp): Locator => session.page.locator('.toasts').getByText(text);

async function openList(): Promise<void> {
  await session.page.getByRole('link', { name: 'Machines', exact: true }).click();
  await session.page.getByRole('grid', { name: 'Machines' }).waitFor();
}

/** By mouse, from the row's menu. */
async function fromList(name: string, action: string | RegExp): Promise<void> {
  await openList();
  await session.page.getByRole('button', { name: `Actions for ${name}`, exact: true }).click();
  await choose(session.page, action);
}

/** By mouse, from the machine's page. */
async function fromPage(name: string, action: string | RegExp): Promise<void> {
  const { page } = session;
  await page.evaluate((hash) => (location.hash = hash), `#/machines/local/default/${name}`);
  await page.getByRole('heading', { name, exact: true }).waitFor();
  await page.getByRole('button', { name: 'More actions' }).click();
  await choose(session.page, action);
}

const byKeys = (command: string): Promise<void> => runByKeys(session.page, command);

beforeAll(async () => {
  session = await startSession();
  session.page.setDefaultTimeout(8_000);
  engine = await session.app.engine();
  images = await servePowerDisk();
  await makePowerMachine(engine, images, { name: 'web', runStrategy: 'Manual', graceSeconds: 20 });
  await makePowerMachine(engine, images, { name: 'other', runStrategy: 'Manual' });
});

afterAll(async () => {
  images.close();
  await session.end();
});

// One that failed leaves its dialog open, and the next ones could not be told apart from it.
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await session.picture(`actions-failed-${task.name.slice(0, 20)}`);
  for (let tries = 0; tries < 3; tries++) await session.page.keyboard.press('Escape');
});

describe('power', () => {
  it('starts a machine from the list by mouse, pauses and resumes it by keys, and shuts it down from its page', async () => {
    const { page } = session;
    await fromList('web', /^Start$/);
    await isNow('web', 'Running');
    await byKeys('Pause web');
    await isNow('web', 'Paused');
    await byKeys('Resume web');
    await isNow('web', 'Running');
    await page.evaluate(() => (location.hash = '#/machines/local/default/web'));
    await page.getByRole('button', { name: 'Shut down' }).click();
    await isNow('web', 'Stopped');
  });

  it('starts it paused, reboots it, and restarts it as another instance', async () => {
    await fromList('web', 'Start paused');
    await isNow('web', 'Paused');
    // Beside the screen: it would take the keys for its guest once that runs.
    await session.page.evaluate(() => (location.hash = '#/machines/local/default/web/overview'));
    await session.page.getByRole('button', { name: 'Resume' }).click();
    await isNow('web', 'Running');
    const first = field('.metadata.uid', 'vmi', 'web');
    await byKeys('Restart web');
    await until('another instance', () => !['', first].includes(field('.metadata.uid', 'vmi', 'web')));
    await isNow('web', 'Running');
  });

  it('says what is lost before it resets and forces off, and does nothing when that is not wanted', async () => {
    const { page } = session;
    await fromList('web', /^Force off/);
    await page.getByRole('alertdialog').getByText('pulling the plug').waitFor();
    await page.keyboard.press('Escape');
    expect(status('web')).toBe('Running');
    await fromPage('web', /^Reset/);
    await page.getByRole('alertdialog').getByRole('button', { name: 'Reset' }).click();
    await fromList('web', /^Force off/);
    await page.getByRole('alertdialog').getByRole('button', { name: 'Force off' }).click();
    await isNow('web', 'Stopped');
  });

  it('offers no move to another node, where there is none', async () => {
    const { page } = session;
    await openList();
    await page.getByRole('button', { name: 'Actions for web', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Copies and backups' }).click();
    await page.getByRole('menuitem', { name: 'Clone' }).waitFor();
    await session.picture('actions-row-menu');
    expect(await page.getByRole('menuitem', { name: 'Move to another node' }).count()).toBe(0);
    await page.keyboard.press('Escape');
  });
});

describe('copies', () => {
  it('takes a snapshot by keys, refuses a taken name beside the field, and tells when it is ready', async () => {
    const { page } = session;
    await byKeys('Take snapshot web');
    await dialog().getByLabel('Name').fill('first');
    await dialog().getByLabel('Description').fill('before the update');
    await page.keyboard.press('Enter');
    await toast('The snapshot first is ready.').waitFor();
    await fromPage('web', 'Take snapshot');
    await dialog().getByLabel('Name').fill('first');
    await page.keyboard.press('Enter');
    await dialog().getByText('There is a snapshot called “first” already.').waitFor();
    await session.picture('actions-snapshot-taken');
    await page.keyboard.press('Escape');
  });

  it('restores it, makes another machine of it, and deletes it, from one list', async () => {
    const { page } = session;
    engine.kubectl(['label', 'vm', 'web', 'later=yes']);
    engine.kubectl(['patch', 'vm', 'web', '--type=merge', '-p', '{"spec":{"template":{"spec":{"domain":{"memory":{"guest":"40Mi"}}}}}}']);
    await fromList('web', 'Restore snapshot');
    await dialog().getByText('before the update').waitFor();
    await dialog().getByRole('radio', { name: /first/ }).check();
    await session.picture('actions-restore');
    await dialog().getByRole('button', { name: 'Restore machine' }).click();
    await toast('web was restored from first.').waitFor();
    expect(machine('web').spec.template.spec.domain.memory?.guest).toBe('32Mi');
    await fromPage('web', 'Restore snapshot');
    await dialog().getByRole('radio', { name: /first/ }).check();
    await dialog().getByRole('radio', { name: /A new machine/ }).check();
    await dialog().getByLabel('Name of the new machine').fill('web-then');
    await dialog().getByRole('button', { name: 'Make new machine' }).click();
    await toast(/web-then is ready/).waitFor();
    await fromList('web', 'Restore snapshot');
    await dialog().getByRole('radio', { name: /first/ }).check();
    await dialog().getByRole('button', { name: 'Delete snapshot…' }).click();
    await dialog().getByRole('button', { name: 'Delete snapshot', exact: true }).click();
    await dialog().getByText('There is none yet').waitFor();
    expect(engine.kubectl(['get', 'vmsnapshot', '-o', 'name'])).toBe('');
    await page.keyboard.press('Escape');
  });

  it('clones it, leaves nothing of the making behind, and refuses a name that is taken', async () => {
    const { page } = session;
    await byKeys('Clone web');
    await dialog().getByLabel('Name of the new machine').fill('other');
    await page.keyboard.press('Enter');
    await dialog().getByText('There is a machine called “other” already.').waitFor();
    await dialog().getByLabel('Name of the new machine').fill('twin');
    await page.keyboard.press('Enter');
    await toast(/twin is ready/).waitFor();
    expect(status('twin')).toBe('Stopped');
    await until('the clone’s own objects to go', () => engine.kubectl(['get', 'vmclone,vmsnapshot', '-o', 'name']) === '');
    await page.getByRole('button', { name: /^Tasks/ }).click();
    await session.picture('actions-tasks');
    await page.getByRole('listitem', { name: 'Clone web to twin' }).getByRole('link', { name: 'Open twin' }).click();
    await page.getByRole('heading', { name: 'twin', exact: true }).waitFor();
  });
});

describe('shape', () => {
  it('resizes it: at once while it is off, after a restart while it runs', async () => {
    const { page } = session;
    await fromList('web', 'Resize');
    await dialog().getByLabel('Memory, GiB').fill('0.0625');
    await dialog().getByText('It is off, and has its new size').waitFor();
    await page.keyboard.press('Enter');
    await until('the new size', () => machine('web').spec.template.spec.domain.memory?.guest === '64Mi');
    await byKeys('Start web');
    await isNow('web', 'Running');
    await fromPage('web', 'Resize');
    await dialog().getByLabel('CPU cores').fill('2');
    await dialog().getByText('A restart is needed').waitFor();
    await dialog().getByRole('button', { name: 'Resize machine' }).click();
    await toast('web gets its new size with its next restart.').waitFor();
    await until('it to say so', () => field('.status.conditions[?(@.type=="RestartRequired")].status', 'vm', 'web') === 'True');
  });

  it('attaches a new disk and one that is there while it runs, and detaches both, deleting the first', async () => {
    engine.kubectl(['apply', '-f', '-'], stringify({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'archive' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } },
    }));
    const plugged = (name: string): string => field(`.status.volumeStatus[?(@.name=="${name}")].phase`, 'vmi', 'web');
    await fromList('web', 'Attach disk');
    await dialog().getByLabel('Size, GiB').fill('0.03125');
    await dialog().getByRole('button', { name: 'Attach disk' }).click();
    await until('the new disk', () => plugged('web-disk') === 'Ready');
    await fromPage('web', 'Attach disk');
    await dialog().getByRole('radio', { name: /A volume that is there/ }).check();
    await dialog().getByRole('radio', { name: /archive/ }).check();
    await session.picture('actions-attach');
    await dialog().getByRole('button', { name: 'Attach disk' }).click();
    await until('the other disk', () => plugged('archive') === 'Ready');

    await fromList('web', 'Detach disk');
    expect(await dialog().getByRole('radio', { name: /^root/ }).isDisabled()).toBe(true);
    await dialog().getByRole('radio', { name: /web-disk/ }).check();
    await dialog().getByLabel('Also delete its volume').check();
    await dialog().getByRole('button', { name: 'Detach and delete' }).click();
    // Its boot sector takes no notice of a disk that leaves; another start lets go of it.
    await byKeys('Force off web');
    await session.page.getByRole('alertdialog').getByRole('button', { name: 'Force off' }).click();
    await until('its volume to go', () => field('.metadata.name', 'pvc', 'web-disk') === '');
    await fromPage('web', 'Detach disk');
    await dialog().getByRole('radio', { name: /archive/ }).check();
    await dialog().getByRole('button', { name: 'Detach disk' }).click();
    await until('it to go', () => !JSON.stringify(machine('web').spec).includes('archive'));
    expect(field('.metadata.name', 'pvc', 'archive')).toBe('archive');
  });

  it('puts a disc into a drive that it did not have, swaps nothing that is not there, and takes it out', async () => {
    await uploadImage(engine, 'live', rigImage('netboot-iso'), '64Mi');
    engine.kubectl(['label', 'pvc', 'live', 'hayloft.io/image=iso']);
    await isNow('web', 'Stopped');
    await fromList('web', 'CD drive');
    await dialog().getByRole('radio', { name: /live/ }).check();
    await dialog().getByRole('button', { name: 'Insert disc' }).click();
    await until('the disc', () => machine('web').spec.template.spec.volumes?.some(({ name }) => name === 'cd'));
    await fromPage('web', 'CD drive');
    await dialog().getByRole('radio', { name: /No disc/ }).check();
    await dialog().getByRole('button', { name: 'Eject disc' }).click();
    await until('the empty drive', () => machine('web').spec.template.spec.volumes?.every(({ name }) => name !== 'cd'));
    // While it runs, too: the drive is there from its start.
    await byKeys('Start web');
    await isNow('web', 'Running');
    await fromList('web', 'CD drive');
    await dialog().getByRole('radio', { name: /live/ }).check();
    await dialog().getByRole('button', { name: 'Insert disc' }).click();
    await until('the disc in the running guest', () => field('.status.volumeStatus[?(@.name=="cd")].phase', 'vmi', 'web') === 'Ready');
    expect(await toast(/^The drive of web changes/).count()).toBe(0);
  });

  it('changes when it runs, and what is written about it, without touching what others wrote meanwhile', async () => {
    await fromPage('web', 'When it runs');
    await dialog().getByRole('radio', { name: /^Off/ }).check();
    await dialog().getByText('web is shut down now.').waitFor();
    await dialog().getByRole('button', { name: 'Change' }).click();
    await until('it to be off', () => machine('web').spec.runStrategy === 'Halted' && status('web') === 'Stopped');
    await fromList('web', 'Description and labels');
    await dialog().getByLabel('Description', { exact: true }).fill('Serves the garden’s pages');
    await dialog().getByRole('button', { name: 'Add label' }).click();
    await dialog().getByLabel(/^Name of label/).last().fill('no good');
    await dialog().getByText('“no good” is no name').waitFor();
    await dialog().getByLabel(/^Name of label/).last().fill('tier');
    await dialog().getByLabel(/^Value of label/).last().fill('front');
    engine.kubectl(['label', 'vm', 'web', 'meanwhile=yes']);
    await dialog().getByRole('button', { name: 'Save' }).click();
    await dialog().waitFor({ state: 'detached' });
    const { labels, annotations } = machine('web').metadata;
    expect(labels).toMatchObject({ tier: 'front', meanwhile: 'yes' });
    expect(annotations).toMatchObject({ 'hayloft.io/description': 'Serves the garden’s pages' });
  });
});

describe('the end of a machine', () => {
  it('names the disks that go and that stay, and asks for its name where data is lost', async () => {
    const { page } = session;
    engine.kubectl(['patch', 'vm', 'other', '--type=json', '-p', JSON.stringify([
      { op: 'add', path: '/spec/template/spec/domain/devices/disks/-', value: { name: 'archive', disk: { bus: 'virtio' } } },
      { op: 'add', path: '/spec/template/spec/volumes/-', value: { name: 'archive', persistentVolumeClaim: { claimName: 'archive' } } },
    ])]);
    await fromPage('other', /^Delete/);
    await dialog().getByText('Kept: archive.').waitFor();
    expect(await dialog().getByLabel('Disk other-root').isChecked()).toBe(true);
    await session.picture('actions-delete');
    expect(await dialog().getByRole('button', { name: 'Delete machine' }).isDisabled()).toBe(true);
    await dialog().getByLabel(/^Type other/).fill('other');
    await page.keyboard.press('Enter');
    await page.getByRole('grid', { name: 'Machines' }).waitFor();
    await toast(/^other was deleted. Kept: archive/).waitFor();
    await until('its disk to go', () => field('.metadata.name', 'pvc', 'other-root') === '');
    expect(field('.metadata.name', 'pvc', 'archive')).toBe('archive');
  });

  it('is told where it came meanwhile', async () => {
    await fromList('twin', 'Clone');
    engine.kubectl(['delete', 'vm', 'twin', '--timeout=30s']);
    await dialog().getByRole('button', { name: 'Clone machine' }).click();
    await dialog().getByText('There is no machine “twin” any more.').waitFor();
    await session.page.keyboard.press('Escape');
  });
});

describe('tasks', () => {
  it('go on in the next run of the app: a shutdown that takes its time', async () => {
    // With nothing to boot there is nobody to take notice of the power button.
    engine.kubectl(['apply', '-f', '-'], stringify({
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachine',
      metadata: { name: 'deaf' },
      spec: { runStrategy: 'Manual', template: { spec: { terminationGracePeriodSeconds: 600, domain: { memory: { guest: '32Mi' }, devices: {} } } } },
    }));
    await until('it to be known', () => status('deaf') === 'Stopped');
    await fromList('deaf', /^Start$/);
    await isNow('deaf', 'Running');
    await byKeys('Shut down deaf');
    const tray = session.page.getByRole('button', { name: 'Tasks, 1 going on' });
    await tray.waitFor();
    await session.app.stop();
    expect(existsSync(join(session.app.dataDir, 'tasks.json'))).toBe(true);
    const again = await startApp({ dataDir: session.app.dataDir });
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(again.url);
      await page.getByRole('button', { name: 'Tasks, 1 going on' }).click();
      await page.getByRole('listitem', { name: 'Shut down deaf' }).getByText(/it is turned off in \d+ s/).waitFor();
      await engine.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/deaf/stop', { gracePeriod: 0 });
      await page.getByRole('listitem', { name: 'Shut down deaf' }).waitFor({ state: 'detached' });
    } finally {
      await browser.close();
      await again.stop();
    }
  });
});
