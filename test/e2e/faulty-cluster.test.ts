/** What the page says of a cluster while the way to it is broken, and that it takes it back by itself. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { FaultProxy } from '../rig/fault-proxy.ts';
import { startSession, type Session } from './session.ts';

/** What a person is promised, in milliseconds. */
const truthMs = 5000;

let dataDir: string;
let engine: RigEngine;
let proxy: FaultProxy;
let session: Session;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'hayloft-faulty-'));
  mkdirSync(join(dataDir, 'clusters'));
  engine = await startEngine();
  proxy = await FaultProxy.start(engine);
  writeFileSync(join(dataDir, 'clusters', 'far.yaml'), proxy.kubeconfig().replaceAll('faulty', 'Attic'), { mode: 0o600 });
  session = await startSession({ dataDir });
});

afterEach(async () => {
  await session.end();
  await proxy.close();
  await engine.destroy();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('a cluster behind a network that fails', () => {
  it('is told to be what it is within five seconds, each time', async () => {
    const { page } = session;
    await page.getByRole('link', { name: 'Clusters' }).first().click();
    const row = page.getByRole('row').filter({ hasText: 'Attic' });
    const says = async (word: string): Promise<void> => {
      await row.getByText(word, { exact: true }).waitFor({ timeout: truthMs });
    };
    await row.getByText('Ready', { exact: true }).waitFor();

    proxy.swallow = true;
    proxy.freeze();
    await says('Unreachable');
    await page.getByText(/Attic: .* did not answer in time/).waitFor();
    await session.picture('cluster-unreachable');
    proxy.swallow = false;
    await says('Ready');

    proxy.fault = () => ({ kind: 'answer', status: 500 });
    await says('Degraded');
    await session.picture('cluster-degraded');
    proxy.fault = () => undefined;
    await says('Ready');

    proxy.token = 'another';
    proxy.cut();
    await says('Not signed in');
    await page.getByText('The credentials in the kubeconfig are not valid any more.').first().waitFor();
    await session.picture('cluster-unauthorized');
    proxy.token = 'token-1';
    await page.getByRole('button', { name: 'Try again to connect to Attic' }).click();
    await says('Ready');
    expect(await page.getByText(/^Attic: /).count()).toBe(0);
  });
});
