/** Whether a machine fits, as the page says it, against what the engine's admission really does. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseQuantity } from '../../shared/kube/quantities.ts';
import type { KubeNode } from '../../shared/kube/core.ts';
import type { KubeList } from '../../shared/kube/object.ts';
import { machine } from '../conformance/samples.ts';
import type { EngineClient } from '../rig/engine-client.ts';
import { startSession, type Session } from './session.ts';

const mib = 2 ** 20;
let session: Session;
let engine: EngineClient;
let hostMib: number;

beforeAll(async () => {
  session = await startSession();
  engine = await session.app.engine();
  const [host] = (await engine.api('GET', '/api/v1/nodes')).json<KubeList<KubeNode>>().items;
  hostMib = Math.floor((parseQuantity(host?.status?.capacity?.['memory']) ?? 0) / mib);
});
afterAll(() => session.end());

/** What the engine itself says to a machine of this size. */
async function engineTakes(memoryMib: number): Promise<boolean> {
  const vm = machine('probe');
  vm.spec.template.spec.domain.memory = { guest: `${memoryMib}Mi` };
  const { status } = await engine.api('POST', '/apis/kubevirt.io/v1/namespaces/default/virtualmachines?dryRun=All', vm);
  return status < 300;
}

it('says what the engine would, as the answers change', async () => {
  const { page } = session;
  await page.goto(`${new URL(session.app.url).origin}/#/machines/new`);
  await page.getByLabel('Nothing yet').click();
  const says = page.getByRole('region', { name: 'Where it fits' });
  await says.getByText('Fits on this computer.').waitFor();
  const create = page.getByRole('button', { name: 'Create machine' });
  expect(await create.getAttribute('aria-disabled')).not.toBe('true');
  await session.picture('fit-good');

  // All that the host has is taken, and promises more than its own programs leave.
  await page.getByLabel('Memory (GiB)').fill(String(hostMib / 1024));
  await says.getByText(/^Fits on this computer, but then its memory is promised 1\.\d+ times over\.$/).waitFor();
  expect(await engineTakes(hostMib)).toBe(true);
  await session.picture('fit-overcommitted');

  await page.getByLabel('Memory (GiB)').fill(String((hostMib + 64) / 1024));
  await says.getByText(/^This computer has [\d.]+ GiB of memory, and it asks for [\d.]+ GiB\.$/).waitFor();
  expect(await engineTakes(hostMib + 64)).toBe(false);
  expect(await create.getAttribute('aria-disabled')).toBe('true');
  await session.picture('fit-refused');
});

it('follows what happens on the cluster meanwhile', async () => {
  const { page } = session;
  const says = page.getByRole('region', { name: 'Where it fits' });
  await page.getByLabel('Memory (GiB)').fill(String((hostMib * 0.6) / 1024));
  await says.getByText('Fits on this computer.').waitFor();
  const vm = machine('large', 'Always');
  vm.spec.template.spec.domain.memory = { guest: `${Math.floor(hostMib * 0.6)}Mi` };
  await engine.api('POST', '/apis/kubevirt.io/v1/namespaces/default/virtualmachines', vm);
  await says.getByText(/promised 1\.\d+ times over/).waitFor();
  await engine.api('DELETE', '/apis/kubevirt.io/v1/namespaces/default/virtualmachines/large');
  await says.getByText('Fits on this computer.').waitFor();
});
