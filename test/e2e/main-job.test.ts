import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enginePid } from '../rig/app.ts';
import { rigImage, type RigImage } from '../rig/images/rig-image.ts';
import { textIso, truncatedIso } from '../rig/images/bad-images.ts';
import { shellPassword } from '../rig/images/shell-disk.ts';
import { dropFiles } from '../rig/browser.ts';
import { qemuProcesses } from '../rig/processes.ts';
import { until } from '../rig/until.ts';
import { lookAtScreen, screenShows } from './screen.ts';
import { startSession, type Session } from './session.ts';

let session: Session;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-e2e-'));
  session = await startSession();
});

afterAll(async () => {
  await session.end();
  rmSync(folder, { recursive: true, force: true });
});

const uploads = (): Locator => session.page.getByRole('list', { name: 'Uploads' });

/** Drops an image on the window, waits for it, and creates a machine from it with the form's own answers. */
async function makeMachine(image: RigImage, name: string): Promise<void> {
  const { page } = session;
  await dropFiles(page, [rigImage(image)]);
  const upload = page.getByLabel(`Upload of ${basename(rigImage(image))}`, { exact: true });
  await upload.getByRole('link', { name: 'New machine' }).click({ timeout: 60_000 });
  // The form fills itself in first; nobody types faster than that, but this program.
  const field = page.getByLabel('Name', { exact: true });
  await until('the form to suggest a name', async () => (await field.inputValue()) !== '');
  await field.fill(name);
  await page.getByRole('button', { name: 'Create machine' }).click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

describe('the first start', () => {
  it('opens on a page that says what to do, with the engine running behind it', async () => {
    const { page } = session;
    await page.getByText('The engine is running').waitFor();
    await page.getByText('Add an image').waitFor();
    await session.picture('first-start');
  });
});

describe('from an ISO to its boot menu on the screen', () => {
  it('goes by dropping a file, three answers and the keyboard', async () => {
    const { page } = session;
    await makeMachine('netboot-iso', 'installer');
    const menu = await screenShows(page, 'the boot menu', ({ blue, selection }) => blue > 0.1 && selection !== undefined);
    await session.picture('boot-menu');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const moved = await screenShows(
      page,
      'the selection to move down',
      ({ selection }) => selection !== undefined && selection > (menu.selection ?? 1) + 0.05,
    );
    await session.picture('boot-menu-moved');
    await page.keyboard.press('ArrowUp');
    await screenShows(page, 'the selection to move up', ({ selection }) => (selection ?? 1) < (moved.selection ?? 0));
  });

  it('goes on by itself on the same screen after the engine was killed', async () => {
    const { page, app } = session;
    const engineDir = join(app.dataDir, 'engine');
    const uid = (await app.engine()).kubectl(['get', 'vmi', 'installer', '-o', 'jsonpath={.metadata.uid}']);
    const [guest] = qemuProcesses(uid);
    const engine = enginePid(engineDir) ?? 0;
    const before = await screenShows(page, 'the menu', ({ selection }) => selection !== undefined);
    process.kill(engine, 'SIGKILL');
    // The first for as long as it is not sure that the whole engine is gone.
    await page.getByText(/^Connecting…$|^The screen cannot be shown/).first().waitFor();
    await session.picture('engine-killed');
    await until('another engine', () => (enginePid(engineDir) ?? engine) !== engine);
    await page.getByText('Running', { exact: true }).first().waitFor();
    expect(qemuProcesses(uid)).toMatchObject([{ pid: guest?.pid }]);
    await until('keys to reach the guest again', async () => {
      await page.keyboard.press('ArrowDown');
      const selection = (await lookAtScreen(page))?.selection;
      return selection !== undefined && selection > (before.selection ?? 1) + 0.02;
    });
    await session.picture('engine-back');
  });

  it('shows the machine in the list, and forces it off after asking', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Machines', exact: true }).click();
    await page.getByText('Running').first().waitFor();
    await session.picture('machines');
    await page.getByRole('link', { name: 'installer' }).click();
    await page.getByRole('button', { name: /actions|more/i }).last().click();
    await page.getByRole('menuitem', { name: 'Force off' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Force off' }).click();
    await page.getByText('This machine is off').waitFor();
    await session.picture('machine-off');
  });
});

describe('from a disk image to a shell on the serial line', () => {
  it('logs in, runs uname, and follows the size of the window', async () => {
    const { page, app } = session;
    await page.getByRole('link', { name: 'Images', exact: true }).click();
    // A file that is dropped on a machine is given to it: the machine's page must be gone.
    await page.getByRole('heading', { name: 'Images', exact: true }).waitFor();
    await makeMachine('shell-disk', 'shell');
    await page.getByRole('link', { name: 'Serial', exact: true }).click();
    const terminal = page.locator('.xterm-rows');
    const reads = (text: string | RegExp): Promise<unknown> =>
      until(`the terminal to show ${String(text)}`, async () => {
        const shown = (await terminal.innerText()).replaceAll('\u00a0', ' ');
        return typeof text === 'string' ? shown.includes(text) : text.test(shown);
      }, 90_000);
    await reads('login:');
    await page.locator('.xterm').click();
    await page.keyboard.type('root\n');
    await reads('Password:');
    await page.keyboard.type(`${shellPassword}\n`);
    await reads('#');
    await page.keyboard.type('uname -a\n');
    await reads(/Linux loft .*x86_64/);
    const rows = await terminal.locator('> div').count();
    await page.setViewportSize({ width: 1280, height: 1000 });
    await until('more rows', async () => (await terminal.locator('> div').count()) > rows);
    await page.keyboard.type('resize; echo lines=$LINES\n');
    await session.picture('serial');
    await page.setViewportSize({ width: 1280, height: 800 });

    const engine = await app.engine();
    const uid = engine.kubectl(['get', 'vmi', 'shell', '-o', 'jsonpath={.metadata.uid}']);
    await page.getByRole('button', { name: 'Shut down' }).click();
    await page.getByText('This machine is off').waitFor({ timeout: 60_000 });
    expect(qemuProcesses(uid)).toEqual([]);
  });
});

describe('what is no image', () => {
  it('is refused with the reason, and leaves nothing behind', async () => {
    const { page, app } = session;
    await page.getByRole('link', { name: 'Images', exact: true }).click();
    const text = textIso(folder);
    const cut = truncatedIso(folder, rigImage('netboot-iso'));
    await dropFiles(page, [text]);
    await uploads().getByText('Failed').first().waitFor();
    await dropFiles(page, [cut]);
    await until('both to be refused', async () => (await uploads().getByText('Failed').count()) === 2);
    await session.picture('refused');
    const engine = await app.engine();
    const volumes = engine.kubectl(['get', 'dv', '-o', 'name']).trim().split('\n').sort();
    expect(volumes).toEqual(['datavolume.cdi.kubevirt.io/netboot', 'datavolume.cdi.kubevirt.io/shell', 'datavolume.cdi.kubevirt.io/shell-root', 'datavolume.cdi.kubevirt.io/installer-root'].sort());
  });

  it('a name that is taken is said at its field', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Machines', exact: true }).click();
    await page.getByRole('link', { name: 'New machine' }).first().click();
    const field = page.getByLabel('Name', { exact: true });
    await until('the form to suggest a name', async () => (await field.inputValue()) !== '');
    await field.fill('shell');
    await page.getByRole('button', { name: 'Create machine' }).click();
    await page.getByText(/already|taken/i).first().waitFor();
    await session.picture('name-taken');
  });
});

describe('the app’s end', () => {
  it('is not the machines’ end, and the page says that it lost its backend', async () => {
    const { app, page } = session;
    const engine = await app.engine();
    await engine.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/installer/start');
    const uid = await until('the machine', async () => {
      const vmi = await engine.api('GET', '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/installer');
      const found = vmi.json<{ metadata?: { uid?: string }; status?: { phase?: string } }>();
      return found.status?.phase === 'Running' && found.metadata?.uid;
    });
    await app.stop();
    await page.getByText('Hayloft is not running any more').waitFor();
    await session.picture('backend-lost');
    expect(qemuProcesses(uid)).toHaveLength(1);
  });
});
