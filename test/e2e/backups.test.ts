/** A machine is backed up while it runs, deleted, and restored from the folder, by hand in a browser. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { EngineClient } from '../rig/engine-client.ts';
import { openGuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { startSession, type Session } from './session.ts';

let home: string;
let session: Session;
let engine: EngineClient;

const field = (path: string, ...args: string[]): string => engine.kubectl(['get', ...args, '--ignore-not-found', '-o', `jsonpath={${path}}`]);
const dialog = (): Locator => session.page.getByRole('dialog');
const toast = (text: string | RegExp): Locator => session.page.locator('.toasts').getByText(text);
const leftovers = (): string => engine.kubectl(['get', 'vmexport,vmsnapshot', '-o', 'name']);

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'hayloft-home-'));
  session = await startSession({ env: { HOME: home } });
  session.page.setDefaultTimeout(20_000);
  engine = await session.app.engine();
  await uploadImage(engine, 'system', rigImage('shell-disk'), '64Mi');
  engine.kubectl(['create', 'secret', 'generic', 'pear-key', '--from-literal=key=of the shed']);
  engine.kubectl(['apply', '-f', '-'], stringify({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'pear', annotations: { 'hayloft.io/description': 'Keeps the harvest’s books' } },
    spec: {
      runStrategy: 'Always',
      dataVolumeTemplates: [
        { metadata: { name: 'pear-root' }, spec: { source: { pvc: { name: 'system', namespace: 'default' } }, storage: { resources: { requests: { storage: '64Mi' } } } } },
        { metadata: { name: 'pear-data' }, spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Gi' } } } } },
      ],
      template: {
        spec: {
          terminationGracePeriodSeconds: 0,
          domain: { memory: { guest: '128Mi' }, devices: { tpm: { persistent: true }, disks: [{ name: 'root', disk: { bus: 'virtio' } }, { name: 'data', disk: { bus: 'virtio' } }, { name: 'key', disk: { bus: 'virtio' } }] } },
          volumes: [{ name: 'root', dataVolume: { name: 'pear-root' } }, { name: 'data', dataVolume: { name: 'pear-data' } }, { name: 'key', secret: { secretName: 'pear-key' } }],
        },
      },
    },
  }));
});

afterAll(async () => {
  await session.end();
  rmSync(home, { recursive: true, force: true });
});

it('comes back with all that was on its disks, the one without partitions, too', async () => {
  const { page } = session;
  await until('pear to run', () => field('.status.printableStatus', 'vm', 'pear') === 'Running');
  const shell = await openGuestShell(engine, 'pear');
  // The second disk has no partitions and no file system.
  await shell.run('echo apples >/data/books && echo mark | dd of=/dev/vdb bs=1M seek=700 conv=notrunc 2>/dev/null && sync');
  shell.close();

  await page.evaluate(() => (location.hash = '#/machines/local/default/pear/overview'));
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Download backup…' }).click();
  await dialog().getByText('a snapshot is taken').waitFor();
  const folder = await dialog().getByLabel('Folder').inputValue();
  expect(folder).toMatch(new RegExp(`^${join(home, 'Hayloft backups', 'pear-')}\\d{4}-\\d\\d-\\d\\d$`));
  await session.picture('backup-ask');
  await dialog().getByRole('button', { name: 'Download backup' }).click();
  await toast(/^pear is backed up: 2 disks, /).waitFor();
  expect(readdirSync(folder).sort()).toEqual(['SHA256SUMS', 'backup.json', 'machine.yaml', 'pear-data.img.gz', 'pear-root.img.gz', 'persistent-state.tar.gz', 'secrets.yaml']);
  execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: folder });
  expect(readdirSync(join(home, 'Hayloft backups'))).toHaveLength(1);
  await until('nothing to be left of the export', () => leftovers() === '');

  engine.kubectl(['delete', 'vm', 'pear', '--timeout=30s']);
  await until('its disks to go', () => field('.metadata.name', 'pvc', 'pear-root') === '');
  // Its own Secret is gone, and another one has the name.
  engine.kubectl(['delete', 'secret', 'pear-key']);
  engine.kubectl(['create', 'secret', 'generic', 'pear-key', '--from-literal=key=of another door']);
  await page.evaluate(() => (location.hash = '#/machines'));
  await page.getByRole('button', { name: 'Restore from backup…' }).first().click();
  await dialog().getByRole('radio', { name: /^pear/ }).check();
  await dialog().getByText('Keeps the harvest’s books').waitFor();
  await until('both files to be checked', async () => (await dialog().getByText('Intact').count()) === 2);
  expect(await dialog().getByLabel('Name of the machine').inputValue()).toBe('pear');
  await dialog().getByText('With it: Secret pear-key, what its firmware and TPM remember.').waitFor();
  await dialog().getByLabel('Name of the machine').fill('plum');
  await dialog().getByLabel('Namespace').fill('garden');
  await dialog().getByRole('button', { name: 'Restore machine' }).click();
  await dialog().getByText('This cluster has no namespace “garden”.').first().waitFor();
  engine.kubectl(['create', 'namespace', 'garden']);
  await dialog().getByLabel('Namespace').fill('default');
  await session.picture('backup-restore');
  await dialog().getByRole('button', { name: 'Restore machine' }).click();
  await toast('plum has its disks, and starts.').waitFor();
  const again = await openGuestShell(engine, 'plum');
  expect(await again.run('cat /data/books; dd if=/dev/vdb bs=1M skip=700 count=1 2>/dev/null | head -c 4')).toBe('apples\nmark');
  again.close();
  // What is there is not overwritten.
  expect(field('.data.key', 'secret', 'pear-key')).toBe(Buffer.from('of another door').toString('base64'));
  expect(field('.spec.template.spec.volumes[2].secret.secretName', 'vm', 'plum')).toBe('plum-pear-key');
  expect(field('.data.key', 'secret', 'plum-pear-key')).toBe(Buffer.from('of the shed').toString('base64'));
  expect(engine.kubectl(['get', 'events', '-o', 'jsonpath={.items[*].reason}'])).toContain('StateRestored');
  expect(field('.spec.runStrategy', 'vm', 'plum')).toBe('Always');
  expect(engine.kubectl(['get', 'vm', 'plum', '-o', 'jsonpath={.metadata.annotations}'])).not.toContain('restored-by');

  await page.getByRole('button', { name: 'Restore from backup…' }).first().click();
  await dialog().getByRole('radio', { name: /^pear/ }).check();
  await dialog().getByLabel('Name of the machine').fill('plum');
  await dialog().getByText('A machine of this name is there already.').waitFor();
  await dialog().getByLabel('Namespace').fill('garden');
  await dialog().getByRole('button', { name: 'Restore machine' }).click();
  await until('it to be in the namespace, too, with its Secret', () => field('.data.key', 'secret', 'pear-key', '-n', 'garden') !== '' && field('.status.printableStatus', 'vm', 'plum', '-n', 'garden') === 'Running', 60_000);
  engine.kubectl(['delete', 'vm', 'plum', '-n', 'garden', '--timeout=30s']);

  // One byte is another one.
  const path = join(folder, 'pear-data.img.gz');
  const bytes = readFileSync(path);
  bytes[bytes.length - 9] = (bytes.at(-9) ?? 0) ^ 1;
  writeFileSync(path, bytes);
  await page.getByRole('button', { name: 'Restore from backup…' }).first().click();
  await dialog().getByRole('radio', { name: /^pear/ }).check();
  await dialog().getByText('Damaged').waitFor();
  expect(await dialog().getByRole('button', { name: 'Restore machine' }).isDisabled()).toBe(true);
  await session.picture('backup-damaged');
  await page.keyboard.press('Escape');
}, 150_000);
