/** The charts of a machine and of its node, from a real guest that works and rests. */
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { EngineClient } from '../rig/engine-client.ts';
import { openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';
import { startSession, type Session } from './session.ts';

let session: Session;
let engine: EngineClient;
let shell: GuestShell;

beforeAll(async () => {
  session = await startSession();
  engine = await session.app.engine();
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
  engine.kubectl(['apply', '-f', '-'], stringify({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'guest' },
    spec: {
      runStrategy: 'Always',
      template: {
        spec: {
          terminationGracePeriodSeconds: 0,
          domain: { memory: { guest: '256Mi' }, devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }] } },
          volumes: [{ name: 'root', dataVolume: { name: 'root' } }],
        },
      },
    },
  }));
  engine.kubectl(['wait', '--for=condition=Ready', 'vm/guest', '--timeout=30s']);
  shell = await openGuestShell(engine, 'guest');
});

afterAll(async () => {
  shell.close();
  await session.end();
});

const chart = (title: string): Locator => session.page.getByRole('slider', { name: `${title} over time` });
const said = async (title: string): Promise<string> => (await chart(title).getAttribute('aria-valuetext')) ?? '';
const percent = async (): Promise<number> => Number(/used ([\d.]+) %/.exec(await said('Processor'))?.[1]);
const pixels = (title: string): Promise<number> =>
  chart(title).locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: new Uint8ClampedArray() };
    return data.filter((value, index) => index % 4 === 3 && value > 0).length;
  });

describe('the charts of a machine', () => {
  it('show what it does, from before the page was opened', async () => {
    const { page } = session;
    await until('figures in the engine', () => {
      const told = JSON.parse(engine.kubectl(['get', '--raw', '/apis/metrics.hayloft.io/v1/namespaces/default/virtualmachineinstances/guest/history'])) as { rows: unknown[] };
      return told.rows.length > 1;
    });
    await page.goto(`${session.app.url.split('#')[0] ?? ''}#/machines/local/default/guest/overview`);
    await until('the last value', async () => (await percent()) >= 0);
    expect(await said('Memory')).toMatch(/^\d+:\d+:\d+.*: in the guest [\d.]+ MiB, on the host [\d.]+ MiB$/);
    expect(await said('Disks')).toMatch(/read [\d.]+ \w+\/s, written [\d.]+ \w+\/s$/);
    expect(await pixels('Processor')).toBeGreaterThan(1000);
  });

  it('follow the guest while it works', async () => {
    // How much it gets of a host that others use as well is not ours to say.
    const seen: string[] = [];
    const becomes = (what: string, test: (value: number) => boolean): Promise<unknown> =>
      until(what, async () => {
        const told = await said('Processor');
        if (seen.at(-1) !== told) seen.push(told);
        return test(await percent());
      }, 90_000).catch((error: unknown) => {
        throw new Error(`${String(error)} Seen: ${seen.join('; ')}`);
      });
    await becomes('rest', (value) => value < 15);
    shell.type('while :; do :; done &');
    await becomes('work', (value) => value > 25);
    await session.picture('metrics-machine');
    await shell.run('kill $!');
    await becomes('rest again', (value) => value < 15);
  });

  it('say why nothing is known of the network', async () => {
    expect(await chart('Network').innerText()).toContain('QEMU does not count what passes its own network');
  });

  it('tell each moment to the mouse and to the keyboard', async () => {
    const last = await said('Processor');
    await chart('Processor').focus();
    await session.page.keyboard.press('ArrowLeft');
    await until('an earlier moment', async () => (await said('Processor')) !== last);
    const earlier = await said('Processor');
    await session.page.keyboard.press('End');
    await until('the last moment', async () => (await said('Processor')) !== earlier);
    // The cursors of all charts move together: what the mouse points at in one is told in the others, too.
    const now = await said('Processor');
    const box = await chart('Memory').boundingBox();
    await session.page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + 40);
    await until('the moment under the mouse', async () => (await said('Processor')) !== now);
    const pointed = await said('Processor');
    await session.page.getByRole('heading', { name: 'Memory', exact: true }).hover();
    await until('the last moment again', async () => (await said('Processor')) !== pointed);
  });

  it('look back as far as is asked', async () => {
    for (const label of ['15 min', '6 h', '24 h']) {
      await session.page.getByText(label, { exact: true }).click();
      await until(`figures over ${label}`, async () => (await percent()) >= 0);
      expect(await session.page.getByRole('radio', { name: label }).isChecked()).toBe(true);
    }
  });

  it('stay when the machine is off', async () => {
    await engine.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/guest/stop', { gracePeriod: 0 });
    await session.page.getByText('Stopped', { exact: true }).first().waitFor();
    expect(await percent()).toBeGreaterThanOrEqual(0);
    await session.picture('metrics-machine-off');
  });
});

describe('the charts of a node', () => {
  it('are a click away from the list of nodes', async () => {
    const { page } = session;
    const name = engine.kubectl(['get', 'nodes', '-o', 'name']).trim().replace('node/', '');
    await page.goto(`${session.app.url.split('#')[0] ?? ''}#/nodes`);
    await page.getByRole('link', { name, exact: true }).click();
    await page.getByRole('heading', { name, exact: true }).waitFor();
    await until('the last value', async () => (await percent()) >= 0);
    expect(await said('Memory')).toMatch(/used [\d.]+ GiB, given to machines [\d.]+ \w+$/);
    await session.picture('metrics-node');
  });
});
