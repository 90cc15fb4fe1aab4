/**
 * The daily work on a KubeVirt and a Harvester cluster of three nodes each, as far as an API server with their recorded
 * objects goes: what the app shows of them, and that what it asks of them is what these clusters take.
 */
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { claimTemplate, harvesterCluster, harvesterVersion } from '../recorded/harvester-cluster.ts';
import { kubernetesStandIn } from '../recorded/kubernetes-stand-in.ts';
import { kubeVirtCluster, kubeVirtVersion } from '../recorded/kubevirt-cluster.ts';
import { startRecorded } from '../recorded/load.ts';
import { RecordingProxy, type RecordedRequest } from '../recorded/recording-proxy.ts';
import type { RigEngine } from '../rig/engine.ts';
import { until } from '../rig/until.ts';
import { choose, reach } from './menus.ts';
import { startSession, type Session } from './session.ts';

let session: Session;
let servers: RigEngine[] = [];
let cellar: RecordingProxy;
let harvester: RecordingProxy;

beforeAll(async () => {
  servers = await Promise.all([startRecorded(kubeVirtCluster), startRecorded(harvesterCluster)]);
  session = await startSession();
  const [plain, other] = servers;
  if (!plain || !other) throw new Error('Two servers were to be started.');
  cellar = await RecordingProxy.start(plain, kubernetesStandIn(kubeVirtVersion));
  harvester = await RecordingProxy.start(other, kubernetesStandIn(harvesterVersion));
  session.page.setDefaultTimeout(10_000);
});

afterAll(async () => {
  await session.end();
  await Promise.all([cellar.close(), harvester.close(), ...servers.map((server) => server.destroy())]);
});

beforeEach(() => {
  for (const proxy of [cellar, harvester]) proxy.changes.length = 0;
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await session.picture(`recorded-failed-${task.name.slice(0, 24)}`);
  for (let tries = 0; tries < 3; tries++) await session.page.keyboard.press('Escape');
});

const dialog = (): Locator => session.page.getByRole('dialog');
const grid = (): Locator => session.page.getByRole('grid', { name: 'Machines' });
const row = (name: string): Locator => grid().getByRole('row').filter({ has: session.page.getByRole('link', { name, exact: true }) });

async function openList(query = ''): Promise<void> {
  await session.page.evaluate((hash) => (location.hash = hash), `#/machines${query}`);
  await grid().waitFor();
}

async function menuOf(name: string): Promise<void> {
  await openList();
  await session.page.getByRole('button', { name: `Actions for ${name}`, exact: true }).click();
}

async function fromList(name: string, action: string | RegExp): Promise<void> {
  await menuOf(name);
  await choose(session.page, action);
}

/** What came, once so many have. */
async function asked(proxy: RecordingProxy, count = 1): Promise<RecordedRequest[]> {
  await until(`${count} requests`, () => proxy.changes.length >= count).catch(() => undefined);
  return [...proxy.changes];
}

const put = (resource: string, name: string, action: string, body?: unknown): RecordedRequest => ({
  method: 'PUT',
  path: `/apis/subresources.kubevirt.io/v1/namespaces/default/${resource}/${name}/${action}`,
  contentType: body === undefined ? undefined : 'application/json',
  body,
});

describe('two clusters', () => {
  it('are added by their kubeconfigs, and are told to be what they are', async () => {
    const { page } = session;
    for (const [name, proxy] of Object.entries({ Cellar: cellar, Barn: harvester })) {
      await page.evaluate(() => (location.hash = '#/clusters/add'));
      await page.getByLabel('Or paste its text').fill(proxy.kubeconfig(name));
      await page.getByRole('button', { name: 'Read it' }).click();
      await page.getByText('Works', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Add cluster' }).click();
      await page.getByRole('row').filter({ hasText: name }).getByText('Ready').waitFor();
    }
    await page.getByRole('row').filter({ hasText: 'Barn' }).getByText(/Harvester/).first().waitFor();
    await page.getByRole('row').filter({ hasText: 'Cellar' }).getByText(/KubeVirt/).first().waitFor();
    await session.picture('recorded-clusters');
    expect([...cellar.changes, ...harvester.changes]).toEqual([]);
  });

  it('tell on the storage page where everything is', async () => {
    const { page } = session;
    const change = async (name: string): Promise<void> => {
      await page.getByRole('button', { name: /^Cluster:/ }).click();
      await page.getByRole('menu').getByText(name, { exact: true }).click();
    };
    await page.evaluate(() => (location.hash = '#/storage'));
    await page.getByText('No volumes yet').waitFor();
    await change('Barn');
    const volume = page.getByRole('region', { name: 'Volumes' }).getByRole('row').filter({ hasText: 'gitea-disk-0-x2k4p' });
    await volume.getByText('All copies are in use.').waitFor();
    expect(await volume.getByRole('link', { name: 'gitea' }).getAttribute('href')).toMatch(/default\/gitea\/disks$/);
    await page.getByRole('region', { name: 'Disks' }).getByText('350 GiB free of 490 GiB').first().waitFor();
    await page.getByRole('region', { name: 'Classes' }).getByText('rack-3: 80 GiB promised, 6 GiB used').waitFor();
    await change('This computer');
    await page.getByText('No volumes yet').waitFor();
  });

  it('have their machines in one list, with the nodes that they run on', async () => {
    const { page } = session;
    await openList('?columns=status,name,cluster,node,memory');
    for (const [name, node] of [['web', 'node-1'], ['cache', 'node-2'], ['gitea', 'rack-1'], ['forge', 'rack-3']] as const) await row(name).getByText(node).waitFor();
    await row('db').getByText('Stopped').waitFor();
    await session.picture('recorded-machines');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByRole('option', { name: 'rack-1' }).click();
    await page.keyboard.press('Escape');
    await until('the machines of one node', async () => (await grid().getByRole('link').allInnerTexts()).join() === 'gitea,lake');
  });

  it('say in one sentence why a machine does not run', async () => {
    const { page } = session;
    await page.evaluate(() => (location.hash = '#/machines/cellar/default/build/overview'));
    await page.getByText('No node can run it: 3 nodes have too little memory free.').first().waitFor();
    await session.picture('recorded-machine');
  });
});

describe('actions on a KubeVirt cluster', () => {
  it('restart, and shut down, by KubeVirt’s subresources', async () => {
    await fromList('web', /^Restart$/);
    expect(await asked(cellar)).toEqual([put('virtualmachines', 'web', 'restart', {})]);
    cellar.changes.length = 0;
    await fromList('cache', /^Shut down$/);
    expect(await asked(cellar)).toEqual([put('virtualmachines', 'cache', 'stop', {})]);
  });

  it('move what can be moved to a node that is chosen, and say why not', async () => {
    await fromList('cache', 'Move to another node');
    await dialog().getByRole('radio', { name: 'node-3' }).check();
    await session.picture('recorded-move');
    await dialog().getByRole('button', { name: 'Move machine' }).click();
    expect(await asked(cellar)).toEqual([
      {
        method: 'POST',
        path: '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstancemigrations',
        contentType: 'application/json',
        body: {
          apiVersion: 'kubevirt.io/v1',
          kind: 'VirtualMachineInstanceMigration',
          metadata: { name: expect.stringMatching(/^cache-move-/) as string, namespace: 'default' },
          spec: { vmiName: 'cache', addedNodeSelector: { 'kubernetes.io/hostname': 'node-3' } },
        },
      },
    ]);
    await menuOf('web');
    const move = await reach(session.page, 'Move to another node');
    expect(await move.getAttribute('aria-disabled')).toBe('true');
    expect(await move.getAttribute('title')).toMatch(/web-root is not shared/);
  });

  it('take a snapshot', async () => {
    await fromList('db', 'Take snapshot');
    await dialog().getByLabel('Name').fill('before');
    await session.page.keyboard.press('Enter');
    expect(await asked(cellar)).toEqual([
      {
        method: 'POST',
        path: '/apis/snapshot.kubevirt.io/v1beta1/namespaces/default/virtualmachinesnapshots',
        contentType: 'application/json',
        body: {
          apiVersion: 'snapshot.kubevirt.io/v1beta1',
          kind: 'VirtualMachineSnapshot',
          metadata: { name: 'before', namespace: 'default' },
          spec: { source: { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'db' } },
        },
      },
    ]);
  });
});

describe('actions on Harvester', () => {
  it('start a machine', async () => {
    await fromList('nas', /^Start$/);
    expect(await asked(harvester)).toEqual([put('virtualmachines', 'nas', 'start', {})]);
  });

  it('offer no snapshot where Harvester has its own', async () => {
    await menuOf('gitea');
    const snapshot = await reach(session.page, 'Take snapshot');
    expect(await snapshot.getAttribute('aria-disabled')).toBe('true');
  });

  it('delete a machine with its disk the way that Harvester’s controller expects', async () => {
    await fromList('nas', /^Delete/);
    await dialog().getByLabel('Disk nas-disk-0-x2k4p').check();
    await dialog().getByLabel(/^Type nas/).fill('nas');
    await session.picture('recorded-delete');
    await session.page.keyboard.press('Enter');
    const [note, ...deletions] = await asked(harvester, 4);
    expect(note).toEqual({
      method: 'PATCH',
      path: '/apis/kubevirt.io/v1/namespaces/default/virtualmachines/nas',
      contentType: 'application/merge-patch+json',
      body: { metadata: { annotations: { 'harvesterhci.io/removedPersistentVolumeClaims': 'nas-disk-0-x2k4p' } } },
    });
    expect(deletions.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'DELETE /apis/kubevirt.io/v1/namespaces/default/virtualmachines/nas',
      // What a DataVolume made would come back if the claim alone went; Harvester's disks have none.
      'DELETE /apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes/nas-disk-0-x2k4p',
      'DELETE /api/v1/namespaces/default/persistentvolumeclaims/nas-disk-0-x2k4p',
    ]);
  });
});

describe('a new machine', () => {
  it('is told where it fits, by what the nodes have left', async () => {
    const { page } = session;
    await page.evaluate(() => (location.hash = '#/machines/new?cluster=cellar'));
    const says = page.getByRole('region', { name: 'Where it fits' });
    await says.getByText('Fits on each of the 3 nodes.').waitFor();
    await page.getByLabel('Memory (GiB)').fill('14');
    await says.getByText('Fits on node-3 only.').waitFor();
    await says.getByText('Node by node').click();
    await says.getByText('It needs 14.3 GiB of memory, and node-1 has').waitFor();
    await session.picture('recorded-fit');
    await page.getByLabel('Memory (GiB)').fill('40');
    await says.getByText(/^No node has 40\.\d GiB free: the most is 15\.7 GiB on node-3\.$/).waitFor();
  });

  it('is told so on Harvester by its own overcommit, and by Longhorn’s rule for disks', async () => {
    const { page } = session;
    await page.evaluate(() => (location.hash = '#/machines/new?cluster=barn'));
    // Until then it is the form for the other cluster that is there.
    await page.getByRole('heading', { name: 'New machine on Barn' }).waitFor();
    const says = page.getByRole('region', { name: 'Where it fits' });
    await page.getByLabel('Memory (GiB)').fill('16');
    await says.getByText('Fits on rack-2 only.').waitFor();
    await says.getByText('Node by node').click();
    await says.getByText('Harvester promises memory 1.5 times over.').waitFor();
    await session.picture('recorded-fit-harvester');
    await page.getByLabel('Disk (GiB)').fill('300');
    await says.getByText('Longhorn has no node with 300 GiB left for its disk: the most is 270 GiB.').waitFor();
  });

  it('is sent to Harvester in the shape that its own pages make', async () => {
    const { page } = session;
    await page.evaluate(() => (location.hash = '#/machines/new?cluster=barn&image=image-deb12'));
    await page.getByRole('radio', { name: /debian-12\.qcow2/ }).waitFor();
    const name = page.getByLabel('Name', { exact: true });
    await until('the form to suggest a name', async () => (await name.inputValue()) !== '');
    await name.fill('wiki');
    await page.getByLabel('Memory (GiB)').fill('2');
    await page.getByLabel('Disk (GiB)').fill('20');
    await page.getByRole('button', { name: 'Create machine' }).click();
    await page.getByRole('heading', { name: 'wiki', exact: true }).waitFor();
    const made = harvester.changes.filter(({ method, path }) => method === 'POST' && !path.includes('dryRun=All'));
    expect(made).toMatchObject([{ path: expect.stringMatching(/^\/apis\/kubevirt\.io\/v1\/namespaces\/default\/virtualmachines(\?|$)/) as string, contentType: 'application/json' }]);
    expect(made[0]?.body).toEqual(wiki());
  });
});

/** As `ofHarvester` has it, before Harvester's webhook saw it. */
function wiki(): unknown {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: {
      ...{ name: 'wiki', namespace: 'default', labels: { 'harvesterhci.io/creator': 'hayloft', 'harvesterhci.io/os': 'linux' } },
      annotations: { 'harvesterhci.io/volumeClaimTemplates': JSON.stringify([claimTemplate('wiki-root', '20Gi')]), 'network.harvesterhci.io/ips': '[]' },
    },
    spec: {
      runStrategy: 'RerunOnFailure',
      template: {
        metadata: { labels: { 'harvesterhci.io/creator': 'hayloft', 'harvesterhci.io/vmName': 'wiki' }, annotations: { 'harvesterhci.io/sshNames': '[]' } },
        spec: {
          evictionStrategy: 'LiveMigrateIfPossible',
          domain: {
            cpu: { sockets: 1, cores: 2, threads: 1 },
            resources: { limits: { cpu: '2', memory: '2Gi' } },
            features: { acpi: { enabled: true } },
            devices: {
              disks: [{ name: 'root', disk: { bus: 'virtio' }, bootOrder: 1 }],
              interfaces: [{ name: 'default', masquerade: {}, model: 'virtio' }],
              inputs: [{ name: 'tablet', type: 'tablet', bus: 'usb' }],
              rng: {},
            },
          },
          networks: [{ name: 'default', pod: {} }],
          volumes: [{ name: 'root', persistentVolumeClaim: { claimName: 'wiki-root' } }],
        },
      },
    },
  };
}
