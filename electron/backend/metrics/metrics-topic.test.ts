/** Figures as the app gets them, from API servers of both kinds. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TopicSource } from '#shared/channel/types.ts';
import type { MachineUsage, MetricsAbout, MetricsSample, MetricsTarget } from '#shared/contract/metrics.ts';
import { Clusters } from '../clusters/clusters.ts';
import { failure, FakeApiServer, type FakeAnswer } from '../clusters/fake-api-server.ts';
import { until } from '../../../test/rig/until.ts';
import { CollectedSamples } from './collected.ts';
import { metricsTopic } from './metrics-topic.ts';
import { usageTopic } from './usage-topic.ts';

let folder = '';
let server: FakeApiServer;
let clusters: Clusters;
let collected: CollectedSamples;
let answers: Record<string, () => FakeAnswer | undefined>;
const stops: (() => void)[] = [];

const ok = (body: unknown): FakeAnswer => ({ status: 200, body });
const groups = (...names: string[]): (() => FakeAnswer) => () => ok({ kind: 'APIGroupList', groups: names.map((name) => ({ name })) });
const machine: MetricsTarget = { kind: 'machine', clusterId: 'local', namespace: 'default', name: 'pear' };
const node: MetricsTarget = { kind: 'node', clusterId: 'local', name: 'n1' };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-metrics-'));
  server = await FakeApiServer.start();
  answers = {};
  server.answer = ({ path, query }) => {
    if (path === '/version') return ok({ gitVersion: 'v1.30.0' });
    return (answers[`${path}?${query.toString()}`] ?? answers[path])?.();
  };
  clusters = new Clusters(join(folder, 'clusters'), { warn: () => undefined });
  collected = new CollectedSamples();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) stop();
  collected.close();
  clusters.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** What a listener knows after all that it was told. */
function follow<Item extends { key: string }>(source: TopicSource<Item>): Map<string, Item> & { told?: true } {
  const known: Map<string, Item> & { told?: true } = new Map();
  stops.push(
    source.subscribe({
      onSnapshot: (items) => {
        known.told = true;
        for (const item of items) known.set(item.key, item);
      },
      onChanges: (items, removed) => {
        for (const item of items) known.set(item.key, item);
        for (const key of removed) known.delete(key);
      },
      onError: (error) => { throw error; },
    }),
  );
  return known;
}

type Known = Map<string, MetricsAbout | MetricsSample>;
const aboutOf = (known: Known): MetricsAbout => known.get('about') as MetricsAbout;
const samplesOf = (known: Known): MetricsSample[] => [...known.values()].filter((item): item is MetricsSample => item.kind === 'sample');
const metrics = (target: MetricsTarget, seconds = 3600): Known => follow(metricsTopic(clusters, collected, target, seconds));

describe('figures of a cluster with a history', () => {
  it('are there at once, with what is not known', async () => {
    const at = Math.floor(Date.now() / 10_000) * 10_000;
    answers['/apis'] = groups('kubevirt.io', 'metrics.k8s.io', 'metrics.hayloft.io');
    answers['/apis/metrics.hayloft.io/v1/namespaces/default/virtualmachineinstances/pear/history?seconds=3600'] = () => ok({
      stepSeconds: 10,
      series: ['cpu', 'somethingNew', 'networkReceive'],
      rows: [{ time: new Date(at - 10_000).toISOString(), values: [0.5, 1, null] }, { time: new Date(at).toISOString(), values: [0.25, 2, null] }],
      limits: { cpu: 2, memory: 1024 },
      notes: [{ series: ['networkReceive', 'somethingNew'], reason: 'NoGuestAgent', message: 'Nobody counts.' }],
    });
    clusters.local.connect(server.access);
    const known = metrics(machine);
    await until('samples', () => samplesOf(known).length === 2);
    expect(aboutOf(known)).toEqual({
      ...{ kind: 'about', key: 'about', source: 'history', series: ['cpu', 'networkReceive'], stepSeconds: 10 },
      limits: { cpu: 2, memoryBytes: 1024 },
      notes: [{ series: ['networkReceive'], message: 'Nobody counts.' }],
    });
    expect(samplesOf(known).map(({ at: time, values }) => [time, values])).toEqual([[at - 10_000, [0.5, null]], [at, [0.25, null]]]);
  });
});

describe('figures of a cluster that knows the present alone', () => {
  const timestamp = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();
  const pod = (cpu: string, memory: string, name = 'pear'): object => ({
    metadata: { name: `virt-launcher-${name}`, namespace: 'default', labels: { 'kubevirt.io': 'virt-launcher', 'vm.kubevirt.io/name': name } },
    timestamp,
    containers: [{ name: 'compute', usage: { cpu, memory } }, { name: 'log', usage: { cpu: '1m', memory: '1Mi' } }],
  });

  beforeEach(() => {
    answers['/apis'] = groups('kubevirt.io', 'metrics.k8s.io');
    answers['/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/pear'] = () =>
      ok({ metadata: { name: 'pear', uid: 'u1' }, spec: { domain: { cpu: { cores: 2 }, memory: { guest: '1Gi' }, devices: {} } } });
    answers['/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=kubevirt.io%2Fcreated-by%3Du1'] = () => ok({ items: [pod('499m', '511Mi')] });
  });

  it('are collected, and still there for whoever comes back', async () => {
    clusters.local.connect(server.access);
    const known = metrics(machine);
    await until('a sample', () => samplesOf(known).length === 1);
    expect(aboutOf(known)).toMatchObject({ source: 'collected', series: ['cpu', 'memoryResident'], limits: { cpu: 2, memoryBytes: 2 ** 30 } });
    expect(samplesOf(known)[0]).toMatchObject({ at: Date.parse(timestamp), values: [0.5, 512 * 2 ** 20] });
    for (const stop of stops.splice(0)) stop();
    answers['/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=kubevirt.io%2Fcreated-by%3Du1'] = () => ok({ items: [] });
    const again = metrics(machine);
    await until('the same sample', () => samplesOf(again).length === 1);
  });

  it('are told of nodes', async () => {
    answers['/api/v1/nodes/n1'] = () => ok({ metadata: { name: 'n1' }, status: { capacity: { cpu: '4', memory: '8Gi' } } });
    answers['/apis/metrics.k8s.io/v1beta1/nodes/n1'] = () => ok({ metadata: { name: 'n1' }, timestamp, window: '10s', usage: { cpu: '1500000000n', memory: '2097152Ki' } });
    clusters.local.connect(server.access);
    const known = metrics(node);
    await until('a sample', () => samplesOf(known).length === 1);
    expect(aboutOf(known)).toMatchObject({ series: ['cpu', 'memoryUsed'], limits: { cpu: 4, memoryBytes: 8 * 2 ** 30 } });
    expect(samplesOf(known)[0]?.values).toEqual([1.5, 2 ** 31]);
  });

  it('are none for a machine that is off', async () => {
    answers['/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances/pear'] = () => ({ status: 404, body: failure(404, 'NotFound', 'not found') });
    clusters.local.connect(server.access);
    const known = metrics(machine);
    await until('an answer', () => known.has('about'));
    expect([aboutOf(known).source, samplesOf(known)]).toEqual(['collected', []]);
  });

  it('are summed up for lists, two pods of one machine together', async () => {
    answers['/apis/metrics.k8s.io/v1beta1/pods?labelSelector=kubevirt.io%3Dvirt-launcher'] = () => ok({ items: [pod('100m', '99Mi'), pod('200m', '199Mi'), pod('5m', '9Mi', 'fig')] });
    clusters.local.connect(server.access);
    const known: Map<string, MachineUsage> = follow(usageTopic(clusters, undefined));
    await until('both machines', () => known.size === 2);
    expect(known.get('local/default/pear')?.cpu).toBeCloseTo(0.302);
    expect(known.get('local/default/pear')?.memoryBytes).toBe(300 * 2 ** 20);
  });
});

describe('a cluster without figures', () => {
  it('says so, and what to do', async () => {
    answers['/apis'] = groups('kubevirt.io');
    clusters.local.connect(server.access);
    const known = metrics(node);
    await until('an answer', () => known.has('about'));
    expect(aboutOf(known)).toMatchObject({ source: 'none', problem: { code: 'unsupported', message: 'This cluster has no metrics.' } });
  });

  it('says when they may not be seen', async () => {
    answers['/apis'] = groups('kubevirt.io', 'metrics.hayloft.io');
    answers['/apis/metrics.hayloft.io/v1/nodes/n1/history'] = () => ({ status: 403, body: failure(403, 'Forbidden', 'nodes "n1" is forbidden') });
    clusters.local.connect(server.access);
    const known = metrics(node);
    await until('an answer', () => known.has('about'));
    expect(aboutOf(known).problem?.code).toBe('forbidden');
  });
});
