import { describe, expect, it } from 'vitest';
import type { KubeNode, Secret } from '#shared/kube/core.ts';
import type { EngineContext } from '../context.ts';
import { quiet, refusal, rigStore, settled } from '../store/store-rig.ts';
import { configMaps } from './config-map.ts';
import { architecture, nodeNameFrom } from './host.ts';
import { keepHostNode } from './host-node.ts';
import { namespaces } from './namespace.ts';
import { conditionsFrom, hasChanged, isWorthTelling, reservedMemoryBytes } from './node-status.ts';
import { nodes } from './node.ts';
import { pods } from './pod.ts';
import { secrets } from './secret.ts';

const secret = (fields: Partial<Secret>): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's', namespace: 'default' },
  ...fields,
});
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('Secret', () => {
  it('folds stringData into data and is Opaque by default', () => {
    const { api } = rigStore();
    const stored = api.create(secrets, secret({ data: { a: base64('old') }, stringData: { a: 'new', b: 'ü' } }));
    expect(stored).toMatchObject({ type: 'Opaque', data: { a: base64('new'), b: base64('ü') } });
    expect(stored).not.toHaveProperty('stringData');
  });

  it('takes any type, even one that is called as what every object has', () => {
    const { api } = rigStore();
    expect(api.create(secrets, secret({ type: '__proto__', stringData: { a: '1' } }))).toMatchObject({ type: '__proto__', data: { a: 'MQ==' } });
  });

  it('keeps its type, and its data when immutable', () => {
    const { api } = rigStore();
    api.create(secrets, secret({ stringData: { a: '1' }, immutable: true }));
    expect(refusal(() => api.update(secrets, secret({ type: 'kubernetes.io/tls', immutable: true }))).details?.causes?.[0]?.field).toBe('type');
    expect(refusal(() => api.update(secrets, secret({ stringData: { a: '2' }, immutable: true }))).code).toBe(422);
    expect(refusal(() => api.update(secrets, secret({ stringData: { a: '1' } }))).code).toBe(422);
    api.update(secrets, secret({ metadata: { name: 's', namespace: 'default', labels: { x: '1' } }, stringData: { a: '1' }, immutable: true }));
  });

  it.each<[string, Partial<Secret>]>([
    ['what is not base64', { data: { a: '***' } }],
    ['a key that is no file name', { stringData: { 'a/b': 'x' } }],
    ['a TLS secret without its key', { type: 'kubernetes.io/tls', stringData: { 'tls.crt': 'x' } }],
    ['more than a mebibyte', { stringData: { a: 'x'.repeat(2 ** 20) } }],
  ])('refuses %s', (_name, fields) => {
    const { api } = rigStore();
    expect(refusal(() => api.create(secrets, secret(fields))).code).toBe(422);
  });
});

describe('ConfigMap', () => {
  it('refuses a key that is in data and binaryData', () => {
    const { api } = rigStore();
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'x' }, binaryData: { a: 'eA==' } };
    expect(refusal(() => api.create(configMaps, map)).details?.causes?.[0]?.field).toBe('binaryData[a]');
  });
});

describe('Namespace', () => {
  it('is active and carries its name as a label', () => {
    const { api } = rigStore();
    const stored = api.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    expect(stored).toMatchObject({ status: { phase: 'Active' }, metadata: { labels: { 'kubernetes.io/metadata.name': 'team' } } });
  });
});

describe('Pod', () => {
  it('is refused', () => {
    const { api } = rigStore();
    expect(refusal(() => api.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } })).code).toBe(403);
  });
});

describe('the Node', () => {
  const context = (rig: ReturnType<typeof rigStore>): EngineContext => ({
    dataDir: import.meta.dirname,
    nodeName: 'loft',
    endpoint: '',
    caCertificate: '',
    followReach: () => undefined,
    resources: rig.resources,
    events: { record: () => undefined },
    log: quiet,
  });
  const columns = (node: KubeNode): unknown[] => (nodes.columns ?? []).map((column) => column.value(node));

  it('is this computer, comes back when deleted, and replaces one of another name', async () => {
    const rig = rigStore();
    rig.resources.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'former' } });
    const kept = await keepHostNode(context(rig));
    const [node, ...others] = rig.resources.list(nodes);
    if (!node) throw new Error('There is no Node.');
    expect(others).toEqual([]);
    expect(node.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'loft', 'kubernetes.io/arch': architecture() });
    expect(columns(node).slice(0, 3)).toEqual(['loft', 'Ready', 'control-plane']);
    expect(Number.parseInt(node.status?.allocatable?.memory ?? '0', 10)).toBeLessThan(Number.parseInt(node.status?.capacity?.memory ?? '0', 10));
    rig.resources.delete(nodes, undefined, 'loft');
    await settled();
    expect(rig.resources.get(nodes, undefined, 'loft')?.status?.conditions).toHaveLength(3);
    await kept.stop();
  });

  it('keeps what others wrote to it', async () => {
    const rig = rigStore();
    const first = await keepHostNode(context(rig));
    await first.stop();
    rig.resources.change(nodes, undefined, 'loft', (node) => {
      node.metadata.annotations = { 'hayloft.io/acceleration': 'tcg' };
    });
    const second = await keepHostNode(context(rig));
    await second.stop();
    expect(rig.resources.get(nodes, undefined, 'loft')?.metadata.annotations).toMatchObject({ 'hayloft.io/acceleration': 'tcg' });
  });

  const GiB = 2 ** 30;

  it('tells the room on the disk anew only when it is worth it', () => {
    expect(isWorthTelling(9 * GiB, undefined)).toBe(true);
    expect(isWorthTelling(9 * GiB, 9 * GiB + 1000)).toBe(false);
    expect(isWorthTelling(9 * GiB, 9.5 * GiB)).toBe(true);
    expect(isWorthTelling(0.01 * GiB, 0.1 * GiB)).toBe(true);
  });

  it('tells pressure, and the time of a change only when there was one', () => {
    const calm = conditionsFrom({ memoryAvailableBytes: GiB, diskFreeBytes: 9 * GiB }, [], '2026-01-01T00:00:00Z');
    const tight = { memoryAvailableBytes: GiB, diskFreeBytes: GiB };
    expect(hasChanged({ memoryAvailableBytes: 2 * GiB, diskFreeBytes: 8 * GiB }, calm)).toBe(false);
    expect(hasChanged(tight, calm)).toBe(true);
    const now = '2026-01-02T00:00:00Z';
    const told = conditionsFrom(tight, [{ type: 'Foreign', status: 'True' }, ...calm], now);
    expect(told.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime])).toEqual([
      ['Foreign', 'True', undefined],
      ['MemoryPressure', 'False', '2026-01-01T00:00:00Z'],
      ['DiskPressure', 'True', now],
      ['Ready', 'True', '2026-01-01T00:00:00Z'],
    ]);
  });

  it('leaves the host some memory', () => {
    expect([1, 24, 256].map((gib) => reservedMemoryBytes(gib * 2 ** 30) / 2 ** 20)).toEqual([512, 1228.8, 2048]);
  });

  it.each([
    ['Studio.local', 'studio.local'],
    ['My PC!', 'my-pc'],
    ['', 'this-computer'],
    ['a.-b', 'this-computer'],
  ])('is named after the host %s: %s', (host, name) => {
    expect(nodeNameFrom(host)).toBe(name);
  });
});
