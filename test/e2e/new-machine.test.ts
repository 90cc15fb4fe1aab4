/** Machines that are more than three answers: templates, cloud-init, snapshots, volumes and types, by hand in the app. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Secret } from '../../shared/kube/core.ts';
import type { VirtualMachine } from '../../shared/kube/kubevirt.ts';
import type { EngineClient } from '../rig/engine-client.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { startSession, type Session } from './session.ts';

let session: Session;
let engine: EngineClient;
let home = '';
let publicKey = '';

const get = <T>(kind: string, name: string): T => JSON.parse(engine.kubectl(['get', kind, name, '-o', 'json'])) as T;
const exists = (kind: string, name: string): boolean => engine.kubectl(['get', kind, name, '--ignore-not-found', '-o', 'name']) !== '';
const editor = (): Locator => session.page.getByLabel('User-data', { exact: true });
const nameField = (): Locator => session.page.getByLabel('Name', { exact: true });
const create = (): Promise<void> => session.page.getByRole('button', { name: 'Create machine' }).click();

/** A new form, filled in as far as it does so itself. */
async function openForm(): Promise<void> {
  const { page } = session;
  await page.evaluate(() => (location.hash = '#/overview'));
  await page.getByText('The engine is running').waitFor();
  await page.evaluate(() => (location.hash = '#/machines/new'));
  await until('the form to suggest a name', async () => (await nameField().inputValue()) !== '');
}

/** Lines that are out of sight are not in the editor's page: what is copied is all of it. */
async function copied(label: string): Promise<string> {
  const { page } = session;
  await page.getByRole('button', { name: label }).click();
  return page.evaluate(() => navigator.clipboard.readText());
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'hayloft-home-'));
  mkdirSync(join(home, '.ssh'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'anna@loft', '-f', join(home, '.ssh', 'id_ed25519')]);
  publicKey = readFileSync(join(home, '.ssh', 'id_ed25519.pub'), 'utf8').trim();
  session = await startSession({ env: { HOME: home, SSH_AUTH_SOCK: '' } });
  session.page.setDefaultTimeout(8_000);
  await session.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  engine = await session.app.engine();
  await uploadImage(engine, 'loft', rigImage('power-disk'), '1Gi');
  engine.kubectl(['label', 'dv', 'loft', 'hayloft.io/image=disk']);
  engine.kubectl(['label', 'pvc', 'loft', 'hayloft.io/image=disk']);
});

afterAll(async () => {
  await session.end();
  rmSync(home, { recursive: true, force: true });
});

it('keeps answers that were given by keys as a template, without the password', async () => {
  const { page } = session;
  await openForm();
  await page.locator('summary', { hasText: 'First set-up' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.keyboard.press('Tab');
  await page.keyboard.type('anna');
  await page.keyboard.press('Tab');
  await page.keyboard.type('correct horse');
  await page.getByLabel('anna@loft').focus();
  await page.keyboard.press('Space');
  await page.getByLabel('Packages').focus();
  await page.keyboard.type('vim, htop');
  await until('the hash to be in the text', async () => (await editor().innerText()).includes('passwd:'));
  await session.picture('new-machine-cloud-init');
  expect(parse(await copied('Copy the user-data'))).toEqual({
    hostname: 'loft',
    users: [
      {
        ...{ name: 'anna', shell: '/bin/bash', sudo: 'ALL=(ALL) NOPASSWD:ALL', lock_passwd: false },
        passwd: expect.stringMatching(/^\$6\$[./0-9A-Za-z]{16}\$[./0-9A-Za-z]{86}$/) as string,
        ssh_authorized_keys: [publicKey],
      },
    ],
    ...{ ssh_pwauth: true, package_update: true, packages: ['vim', 'htop'] },
  });
  await page.locator('summary', { hasText: 'Network' }).click();
  await page.getByRole('button', { name: 'Forward SSH' }).click();
  await page.getByRole('button', { name: 'Save as template' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Web');
  await page.keyboard.press('Enter');
  await page.getByText('The template “Web” was saved.').waitFor();
  const kept = readFileSync(join(session.app.dataDir, 'machine-templates.json'), 'utf8');
  expect(kept).toContain('anna@loft');
  expect(kept).not.toMatch(/\$6\$|correct horse/);
});

it('makes a machine from the template, and sends what the review showed', async () => {
  const { page } = session;
  await openForm();
  await page.getByRole('button', { name: /^Web / }).click();
  await page.getByText('The template keeps no passwords.').waitFor();
  await page.getByLabel('Password').fill('battery staple');
  await until('the hash to be in the text', async () => (await editor().innerText()).includes('passwd:'));
  await page.getByRole('button', { name: 'Review', exact: true }).click();
  await page.getByText('The cluster has looked at it and takes it.').waitFor();
  await session.picture('new-machine-review');
  const shown = parseAllDocuments(await copied('Copy the YAML')).map((document) => document.toJS() as Secret | VirtualMachine);
  expect(shown.map(({ kind, metadata }) => `${kind}/${metadata.name ?? ''}`)).toEqual(['Secret/web-cloud-init', 'VirtualMachine/web', 'Service/web-ports']);
  await page.getByRole('dialog').getByRole('button', { name: 'Create machine' }).click();
  await page.getByRole('heading', { name: 'web', exact: true }).waitFor();

  const secret = get<Secret>('secret', 'web-cloud-init');
  const machine = get<VirtualMachine>('vm', 'web');
  const userData = Buffer.from(secret.data?.['userdata'] ?? '', 'base64').toString();
  expect(userData).toBe((shown[0] as Secret).stringData?.['userdata']);
  expect(parse(userData)).toMatchObject({ hostname: 'web', users: [{ name: 'anna', ssh_authorized_keys: [publicKey] }] });
  expect(machine.spec).toMatchObject((shown[1] as VirtualMachine).spec);
  const owner = { kind: 'VirtualMachine', name: 'web', uid: machine.metadata.uid };
  expect(secret.metadata.ownerReferences).toMatchObject([owner]);
  expect(get<Secret>('service', 'web-ports')).toMatchObject({
    metadata: { ownerReferences: [owner] },
    spec: { type: 'NodePort', ports: [{ name: 'ssh', port: 22 }] },
  });
  await until('the guest to run', () => engine.kubectl(['get', 'vm', 'web', '-o', 'jsonpath={.status.printableStatus}']) === 'Running', 30_000);
});

it('refuses user-data that is no YAML at its field, and goes back to the form', async () => {
  const { page } = session;
  await openForm();
  await nameField().fill('broken');
  await page.locator('summary', { hasText: 'First set-up' }).click();
  await page.getByLabel('Set the guest up with cloud-init').check();
  await editor().click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('hostname: a: b\n');
  const wrong = page.getByRole('list', { name: 'What is wrong with the user-data' });
  await wrong.getByText(/^Line \d+, column \d+: /).first().waitFor();
  await page.getByText('The text beside was edited by hand.').waitFor();
  expect(await page.getByLabel('User', { exact: true }).isDisabled()).toBe(true);
  await create();
  await session.picture('new-machine-wrong-yaml');
  expect(exists('vm', 'broken')).toBe(false);
  await page.getByRole('button', { name: 'Go back to the form' }).click();
  await wrong.getByText('It is well-formed.').waitFor();
});

it('says beside the question what the cluster has against an answer', async () => {
  const { page } = session;
  engine.kubectl(['create', 'secret', 'generic', 'late-cloud-init']);
  await openForm();
  await nameField().fill('late');
  await page.locator('summary', { hasText: 'First set-up' }).click();
  await page.getByLabel('Set the guest up with cloud-init').check();
  await page.getByLabel('Password').fill('loft');
  await until('the hash to be in the text', async () => (await editor().innerText()).includes('password:'));
  await create();
  await page.getByText('There is a Secret called “late-cloud-init” already.').waitFor();
  expect(await nameField().getAttribute('aria-invalid')).toBe('true');
  expect(exists('vm', 'late')).toBe(false);
});

it('makes one from a snapshot, and offers no volume that is in use', async () => {
  const { page } = session;
  const snapshot = {
    apiVersion: 'snapshot.kubevirt.io/v1beta1',
    kind: 'VirtualMachineSnapshot',
    metadata: { name: 'before', namespace: 'default' },
    spec: { source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'web' } },
  };
  engine.kubectl(['apply', '-f', '-'], JSON.stringify(snapshot));
  await until('the snapshot', () => engine.kubectl(['get', 'vmsnapshot', 'before', '-o', 'jsonpath={.status.readyToUse}']) === 'true', 20_000);
  await openForm();
  await page.getByText('Existing volume', { exact: true }).click();
  await page.getByText('In use by web.').waitFor();
  expect(await page.getByLabel('web-root').isDisabled()).toBe(true);
  await page.getByText('Snapshot', { exact: true }).click();
  await page.getByLabel('web: before').check();
  await session.picture('new-machine-snapshot');
  await nameField().fill('as-it-was');
  await create();
  await until('the copy', () => exists('vm', 'as-it-was'), 20_000);
  expect(get<VirtualMachine>('vm', 'as-it-was').spec.runStrategy).toBe('Halted');
});

it('gives one the size of an instance type', async () => {
  const { page } = session;
  await openForm();
  await page.getByText('Instance type', { exact: true }).click();
  await page.getByRole('combobox', { name: 'Instance type' }).selectOption({ label: 'u1.nano: 1 core, 512 MiB' });
  await page.locator('summary', { hasText: 'More options' }).click();
  await page.getByLabel('When it runs').selectOption('Halted');
  await nameField().fill('typed');
  await session.picture('new-machine-type');
  await create();
  await page.getByRole('heading', { name: 'typed', exact: true }).waitFor();
  const { spec } = get<VirtualMachine>('vm', 'typed');
  expect(spec.instancetype).toMatchObject({ kind: 'VirtualMachineClusterInstancetype', name: 'u1.nano' });
  expect(spec.template.spec.domain.memory).toBeUndefined();
  expect(spec.runStrategy).toBe('Halted');
});
