import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rawImage } from '../rig/images/bad-images.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { dropFiles } from '../rig/browser.ts';
import { enginePid } from '../rig/app.ts';
import { repository } from '../rig/engine.ts';
import { startProgram } from '../rig/process.ts';
import { until } from '../rig/until.ts';
import { startSession, type Session } from './session.ts';

const MiB = 2 ** 20;
const isRoot = process.getuid?.() === 0;
const qemu = '/usr/bin/qemu-system-x86_64';

let folder: string;
let session: Session | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-trouble-'));
});

afterEach(async () => {
  await session?.end();
  session = undefined;
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!isRoot)('a disk with little room', () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'hayloft-small-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=0700', 'tmpfs', dataDir]);
  });

  afterEach(async () => {
    await session?.end();
    session = undefined;
    execFileSync('umount', [dataDir]);
    rmSync(dataDir, { recursive: true });
  });

  it('takes no image that does not fit, says so, and is left as it was', async () => {
    session = await startSession({ dataDir });
    const { page, app } = session;
    await page.getByText('The engine is running').waitFor();
    const free = statfsSync(dataDir).bavail;
    await dropFiles(page, [rawImage(folder, 100 * MiB)]);
    const list = page.getByRole('list', { name: 'Uploads' });
    await list.getByText('Failed').waitFor();
    await list.getByText(/room|space/i).first().waitFor();
    await session.picture('disk-full');
    const engine = await app.engine();
    await until('nothing to be left', () => engine.kubectl(['get', 'dv,pvc', '-A', '-o', 'name']).trim() === '');
    // The store itself has grown a little.
    expect((free - statfsSync(dataDir).bavail) * statfsSync(dataDir).bsize).toBeLessThan(8 * MiB);
  });
});

describe.skipIf(!isRoot)('a computer without QEMU', () => {
  it('says on its first page what is missing, with the command that installs it', async () => {
    session = await startSession({ hidden: [qemu] });
    const { page } = session;
    await page.getByText('QEMU').first().waitFor();
    await page.getByText(/apt(-get)? install/).first().waitFor();
    await session.picture('qemu-missing');
  });

  it('takes images all the same, and says why a machine does not start', async () => {
    session = await startSession({ hidden: [qemu] });
    const { page } = session;
    await page.getByText('QEMU').first().waitFor();
    await dropFiles(page, [rigImage('netboot-iso')]);
    const list = page.getByRole('list', { name: 'Uploads' });
    await list.getByRole('link', { name: 'New machine' }).click();
    const field = page.getByLabel('Name', { exact: true });
    await until('the form to suggest a name', async () => (await field.inputValue()) !== '');
    await field.fill('pc');
    await page.getByRole('button', { name: 'Create machine' }).click();
    await page.getByText(/QEMU is not installed/).first().waitFor();
    await session.picture('qemu-missing-machine');
  });
});

describe('a port that is taken', () => {
  it('is said in one line, with what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const main = join(repository, 'dist', 'web', 'main.js');
    const program = startProgram(process.execPath, [main, '--no-open', '--port', String(port), '--data-dir', join(folder, 'data')]);
    const [code] = (await once(program.child, 'exit')) as [number];
    other.close();
    expect(code).not.toBe(0);
    expect(program.output()).toContain(String(port));
    expect(program.output()).toMatch(/--port/);
    expect(program.output()).not.toMatch(/\n\s+at /);
    expect(enginePid(join(folder, 'data', 'engine'))).toBeUndefined();
  });
});
