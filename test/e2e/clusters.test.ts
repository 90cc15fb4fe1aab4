import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machine } from '../conformance/samples.ts';
import { dropFiles } from '../rig/browser.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { startSession, type Session } from './session.ts';

let session: Session;
/** A second engine: another computer's, as far as the app can tell. */
let attic: RigEngine;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-e2e-clusters-'));
  attic = await startEngine();
  session = await startSession();
});

afterAll(async () => {
  await session.end();
  await attic.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const kept = (): string[] => readdirSync(join(session.app.dataDir, 'clusters'));
const row = (name: string): Locator => session.page.getByRole('row').filter({ hasText: name });

async function openAdding(): Promise<void> {
  const { page } = session;
  await page.getByRole('link', { name: 'Clusters', exact: true }).click();
  await page.getByRole('link', { name: 'Add cluster' }).click();
  await page.getByLabel('Or paste its text').waitFor();
}

async function paste(text: string): Promise<void> {
  const { page } = session;
  await page.getByLabel('Or paste its text').fill(text);
  await page.getByRole('button', { name: 'Read it' }).click();
}

describe('adding a cluster', () => {
  it('says what is wrong with what was pasted', async () => {
    const { page } = session;
    await openAdding();
    await session.picture('clusters-add');
    await paste('clusters: [');
    await page.getByRole('alert').getByText('The pasted text is not a kubeconfig').waitFor();
    await session.picture('clusters-bad-text');
  });

  it('shows the program that a kubeconfig names, and runs nothing', async () => {
    const { page } = session;
    const mark = join(folder, 'was-run');
    await paste(`{"current-context":"x","clusters":[{"name":"c","cluster":{"server":"${attic.endpoint}"}}],"users":[{"name":"u","user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"touch","args":["${mark}"]}}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}]}`);
    await page.getByText(`touch ${mark}`).waitFor();
    await page.getByText('Asks for a program').waitFor();
    await session.picture('clusters-program');
    expect(readdirSync(folder)).toEqual([]);
    expect(kept()).toEqual([]);
  });

  it('asks whether to trust a certificate that nobody vouches for', async () => {
    const { page } = session;
    const text = readFileSync(attic.kubeconfig, 'utf8').replace(/^ *certificate-authority-data:.*$\n/m, '');
    await paste(text);
    await page.getByText('SHA-256 fingerprint').waitFor();
    await session.picture('clusters-trust');
    await page.getByRole('button', { name: 'Trust this certificate' }).click();
    await page.getByText('Works', { exact: true }).waitFor();
  });

  it('goes by dropping its kubeconfig and a name', async () => {
    const { page } = session;
    const file = join(folder, 'attic.yaml');
    writeFileSync(file, readFileSync(attic.kubeconfig));
    await dropFiles(page, [file]);
    await page.getByText('in attic.yaml', { exact: false }).waitFor();
    await page.getByText('Works', { exact: true }).waitFor();
    await page.getByLabel('Name in Hayloft').fill('Attic');
    await session.picture('clusters-works');
    await page.getByRole('button', { name: 'Add cluster' }).click();
    await row('Attic').getByText('Ready').waitFor();
    await session.picture('clusters');
    expect(kept()).toEqual(['attic.yaml']);
  });

  it('brings its machines into the list', async () => {
    const { page } = session;
    attic.kubectl(['apply', '-f', '-'], JSON.stringify(machine('upstairs')));
    await page.getByRole('link', { name: 'Machines', exact: true }).click();
    await page.getByRole('link', { name: 'upstairs' }).waitFor();
    await session.picture('machines-of-two-clusters');
  });

  it('takes new machines once it is chosen in the top bar', async () => {
    const { page } = session;
    await page.getByRole('button', { name: /^Cluster: This computer/ }).click();
    await session.picture('cluster-switcher');
    await page.getByRole('menuitemradio', { name: 'Attic' }).click();
    await page.getByRole('link', { name: 'New machine' }).click();
    await page.getByRole('heading', { name: 'New machine on Attic' }).waitFor();
    await page.getByRole('radio', { name: /Nothing yet/ }).check();
    await page.getByText('Attic has').first().waitFor();
    await page.getByLabel('Name', { exact: true }).fill('made-there');
    await session.picture('new-machine-elsewhere');
    await page.getByRole('button', { name: 'Create machine' }).click();
    await page.getByRole('heading', { name: 'made-there', exact: true }).waitFor();
    expect(attic.kubectl(['get', 'vm', 'made-there', '-o', 'name'])).toContain('made-there');
  });
});

describe('a cluster that was added', () => {
  it('tells step by step how it is reached', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Clusters', exact: true }).click();
    await page.getByRole('button', { name: 'Actions for Attic' }).click();
    await page.getByRole('menuitem', { name: 'Test the connection' }).click();
    await page.getByRole('dialog').getByText('It is Hayloft’s own engine.').waitFor();
    await session.picture('clusters-diagnosis');
    await page.keyboard.press('Escape');
  });

  it('is renamed', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Actions for Attic' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('Cellar');
    await page.keyboard.press('Enter');
    await row('Cellar').getByText('Ready').waitFor();
  });

  it('is removed after a question, and takes its machines out of the list', async () => {
    const { page } = session;
    await page.getByRole('button', { name: 'Actions for Cellar' }).click();
    await page.getByRole('menuitem', { name: 'Remove from Hayloft' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove cluster' }).click();
    await row('Cellar').waitFor({ state: 'detached' });
    expect(kept()).toEqual([]);
    await page.getByRole('link', { name: 'Machines', exact: true }).click();
    await page.getByRole('heading', { name: 'No machines yet' }).waitFor();
    await page.getByRole('link', { name: 'upstairs' }).waitFor({ state: 'detached' });
    expect(attic.kubectl(['get', 'vm', 'upstairs', '-o', 'name'])).toContain('upstairs');
  });
});
