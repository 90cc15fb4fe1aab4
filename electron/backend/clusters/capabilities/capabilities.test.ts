import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterConnection } from '../connection.ts';
import { FakeApiServer, selfSigned } from '../fake-api-server.ts';
import { featuresOf } from './features.ts';
import { gatesOf, type KubeVirt } from './gates.ts';
import { ServedGroups } from './versions.ts';

const all = { has: (): boolean => true };

function kubeVirt(version: string, on: string[] = [], off: string[] = []): KubeVirt {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'KubeVirt',
    metadata: { name: 'kubevirt' },
    spec: { configuration: { developerConfiguration: { featureGates: on, disabledFeatureGates: off } } },
    status: { observedKubeVirtVersion: version },
  };
}

describe('what a cluster can do', () => {
  it('takes KubeVirt before 1.9 at its listed gates, and from 1.9 at those turned off', () => {
    const at = (...version: Parameters<typeof kubeVirt>): boolean[] => {
      const isOn = gatesOf(kubeVirt(...version));
      const { snapshots, exports, hotplug, migration } = featuresOf({ flavour: 'kubevirt', groups: all, isOn });
      return [snapshots, exports, hotplug, migration].map(({ allowed }) => allowed);
    };
    expect(at('v0.52.0')).toEqual([false, false, false, false]);
    expect(at('v0.52.0', ['LiveMigration', 'HotplugVolumes', 'Snapshot'])).toEqual([true, false, true, true]);
    expect(at('v1.8.3')).toEqual([false, false, false, true]);
    expect(at('v1.8.3', ['Snapshot', 'VMExport', 'DeclarativeHotplugVolumes'])).toEqual([true, true, true, true]);
    expect(at('v1.9.0')).toEqual([true, true, true, true]);
    expect(at('v1.9.0', [], ['Snapshot'])).toEqual([false, true, true, true]);
  });

  it('leaves it to the cluster what cannot be read', () => {
    expect(featuresOf({ flavour: 'kubevirt', groups: all, isOn: gatesOf(undefined) }).snapshots.allowed).toBe(true);
  });

  it('says of Harvester that it has snapshots of its own', () => {
    const isOn = gatesOf(kubeVirt('v1.8.4', ['CPUManager', 'DeclarativeHotplugVolumes', 'ExpandDisks', 'HostDevices']));
    const { snapshots, hotplug } = featuresOf({ flavour: 'harvester', groups: all, isOn });
    expect(snapshots).toEqual({ allowed: false, reason: expect.stringContaining('Harvester') as string });
    expect(hotplug.allowed).toBe(true);
  });

  it('says what is not installed', () => {
    const features = featuresOf({ flavour: 'unknown', groups: { has: () => false }, isOn: () => true });
    expect(features.machines.reason).toMatch(/KubeVirt is not installed/);
    expect(features.snapshots.reason).toMatch(/KubeVirt is not installed/);
    expect(features.uploads.reason).toMatch(/CDI is not installed/);
  });
});

describe('API versions', () => {
  const old = new ServedGroups({ groups: [{ name: 'snapshot.kubevirt.io', versions: [{ version: 'v1alpha1' }] }, { name: 'kubevirt.io', versions: [{ version: 'v1' }] }] });

  it('are those that the cluster serves, in the path and in the body', () => {
    const path = '/apis/snapshot.kubevirt.io/v1beta1/namespaces/a/virtualmachinesnapshots';
    expect(old.speak(`${path}?limit=1`, { apiVersion: 'snapshot.kubevirt.io/v1beta1', kind: 'X' })).toEqual({
      path: `${path.replace('v1beta1', 'v1alpha1')}?limit=1`,
      body: { apiVersion: 'snapshot.kubevirt.io/v1alpha1', kind: 'X' },
    });
  });

  it('stay as they are where they are served, or nothing else fits', () => {
    for (const path of ['/apis/kubevirt.io/v1/virtualmachines', '/apis/clone.kubevirt.io/v1beta1/x', '/api/v1/nodes']) {
      expect(old.speak(path, undefined).path).toBe(path);
    }
    const exports = new ServedGroups({ groups: [{ name: 'export.kubevirt.io', versions: [{ version: 'v1alpha1' }, { version: 'v1beta1' }] }] });
    expect(exports.version('export.kubevirt.io', 'v1')).toBe('v1beta1');
  });
});

describe('a connection', () => {
  let server: FakeApiServer;
  let cluster: ClusterConnection;
  const identity = selfSigned();

  beforeEach(async () => {
    server = await FakeApiServer.start(0, identity);
    cluster = new ClusterConnection({ id: 'fake', name: 'Fake', local: false, changed: () => undefined, warn: () => undefined });
  });
  afterEach(async () => {
    cluster.close();
    await server.close();
  });

  it('asks what it can do once', async () => {
    server.answer = ({ path }) => {
      const spec = { configuration: { developerConfiguration: { featureGates: ['Snapshot'] } } };
      return path === '/apis/kubevirt.io/v1/kubevirts' ? { status: 200, body: { items: [{ spec, status: { observedKubeVirtVersion: 'v1.8.3' } }] } } : undefined;
    };
    cluster.connect(server.access);
    await vi.waitFor(() => expect(cluster.view.capabilities).toMatchObject({ kubevirt: 'v1.8.3', features: { hotplug: { allowed: false } } }));
    expect(server.requests.filter((line) => line.includes('/kubevirts'))).toHaveLength(1);
  });

  it('asks for kinds that only some clusters have where they are served', async () => {
    const optional = { base: '/apis/harvesterhci.io/v1beta1', plural: 'virtualmachineimages', optional: true } as const;
    cluster.connect(server.access);
    const stop = cluster.cache(optional).watch(() => undefined);
    await cluster.cache(optional).completed();
    expect(cluster.cache(optional).objects.size).toBe(0);
    expect(server.requests.filter((line) => line.includes('harvesterhci.io'))).toEqual([]);
    stop();
  });
});
