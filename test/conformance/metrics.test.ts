/** Figures of a real guest and of this computer: by kubectl, in Prometheus' format, and from the engine's history. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { MetricsHistory, NodeMetrics, PodMetrics } from '../../shared/kube/metrics.ts';
import type { VirtualMachine, VirtualMachineInstance } from '../../shared/kube/kubevirt.ts';
import type { KubeList } from '../../shared/kube/object.ts';
import { parseQuantity } from '../../shared/kube/quantities.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';

const MiB = 2 ** 20;
const guestBytes = 256 * MiB;
let engine: RigEngine;
let shell: GuestShell;

const json = <T>(path: string): T => JSON.parse(engine.kubectl(['get', '--raw', path])) as T;
const nodeName = (): string => engine.kubectl(['get', 'nodes', '-o', 'name']).trim().replace('node/', '');
const history = (what: string, query = ''): MetricsHistory => json(`/apis/metrics.hayloft.io/v1/${what}/history${query}`);
const ofGuest = (query = ''): MetricsHistory => history('namespaces/default/virtualmachineinstances/guest', query);
const column = ({ series, rows }: MetricsHistory, name: string): number[] =>
  rows.map(({ values }) => values[series.indexOf(name)] ?? NaN).filter((value) => !Number.isNaN(value));

/** Figures of a family at `/metrics`, by their labels as written there. */
function family(name: string): Map<string, number> {
  const lines = engine.kubectl(['get', '--raw', '/metrics']).split('\n');
  return new Map(lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)).map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]));
}
const figure = (name: string, label = ''): number => [...family(name)].find(([labels]) => labels.includes(label))?.[1] ?? NaN;

beforeAll(async () => {
  engine = await startEngine();
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
  engine.kubectl(['apply', '-f', '-'], stringify({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'guest' },
    spec: {
      runStrategy: 'Always',
      template: {
        metadata: { labels: { 'example.org/tier': 'one' } },
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
}, 240_000);

afterAll(async () => {
  shell.close();
  await engine.destroy();
});

describe('what is used now, by metrics.k8s.io', () => {
  it('is told of the node to kubectl top', () => {
    const [, line = ''] = engine.kubectl(['top', 'node']).split('\n');
    expect(line).toMatch(new RegExp(`^${nodeName()} +\\d+m +\\d+% +\\d+Mi +\\d+%`));
    const [item] = json<KubeList<NodeMetrics>>('/apis/metrics.k8s.io/v1beta1/nodes').items;
    expect(item).toMatchObject({ kind: 'NodeMetrics', metadata: { name: nodeName() }, window: expect.stringMatching(/^[\d.]+s$/) as string });
  });

  it('is told of each machine to kubectl top pod, under the name and the labels of its virt-launcher', async () => {
    await until('figures of the guest', () => json<KubeList<PodMetrics>>('/apis/metrics.k8s.io/v1beta1/pods').items.length > 0, 30_000);
    const [, line = ''] = engine.kubectl(['top', 'pod', '-l', 'vm.kubevirt.io/name=guest', '--containers']).split('\n');
    expect(line).toMatch(/^virt-launcher-guest-\w{5} +compute +\d+m +\d+Mi/);
    const name = line.split(' ')[0] ?? '';
    expect(engine.kubectl(['top', 'pod', name])).toContain(name);
    const { metadata, containers } = json<PodMetrics>(`/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/${name}`);
    const vmi = JSON.parse(engine.kubectl(['get', 'vmi', 'guest', '-o', 'json'])) as VirtualMachineInstance;
    expect(metadata.labels).toMatchObject({ 'kubevirt.io': 'virt-launcher', 'kubevirt.io/created-by': vmi.metadata.uid, 'example.org/tier': 'one' });
    expect(parseQuantity(containers[0]?.usage.memory)).toBeGreaterThan(32 * MiB);
    expect(json<KubeList<PodMetrics>>('/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=example.org/tier=two').items).toEqual([]);
  });

  it('can be read and nothing else', async () => {
    const base = '/apis/metrics.k8s.io/v1beta1';
    expect((await engine.api('POST', `${base}/nodes`, {})).status).toBe(405);
    expect((await engine.api('GET', `${base}/nodes?watch=true`)).status).toBe(405);
    expect((await engine.api('DELETE', `${base}/nodes/${nodeName()}`)).status).toBe(405);
    expect((await engine.api('GET', `${base}/nodes/another`)).status).toBe(404);
    expect(engine.kubectl(['explain', 'nodes', '--api-version=metrics.k8s.io/v1beta1'])).toContain('usage');
  });
});

describe('/metrics', () => {
  it('is Prometheus’ text format, a family at a time', async () => {
    const answer = await engine.api('GET', '/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const seen = new Set<string>();
    let current = '';
    for (const line of answer.text.trimEnd().split('\n')) {
      const [, kind, of] = /^# (HELP|TYPE) (\S+) /.exec(line) ?? [];
      if (kind === 'HELP') {
        expect(seen.has(of ?? '')).toBe(false);
        seen.add((current = of ?? ''));
      } else if (kind === undefined) expect(line).toMatch(new RegExp(`^${current}(\\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\\]|\\\\.)*",?)+\\})? -?[0-9.e+-]+$`));
    }
    expect(seen.size).toBeGreaterThan(40);
  });

  it('tells of the machine by KubeVirt’s names and labels', () => {
    const [labels = ''] = [...family('kubevirt_vmi_memory_domain_bytes').keys()];
    for (const label of [`node="${nodeName()}"`, 'namespace="default"', 'name="guest"', 'kubernetes_vmi_label_example_org_tier="one"']) expect(labels).toContain(label);
    expect(figure('kubevirt_vmi_memory_domain_bytes')).toBe(guestBytes);
    expect(figure('kubevirt_vmi_info', 'phase="running"')).toBe(1);
    expect(figure('kubevirt_vm_info', 'status_group="running"')).toBe(1);
    expect(figure('kubevirt_vm_resource_requests', 'source="guest"')).toBe(guestBytes);
    expect(figure('kubevirt_vm_disk_allocated_size_bytes', 'persistentvolumeclaim="root"')).toBe(64 * MiB);
    expect(figure('kubevirt_vmi_vnic_info', 'binding_type="core"')).toBe(1);
    expect(figure('node_memory_MemTotal_bytes')).toBeGreaterThan(guestBytes);
    expect(figure('hayloft_node_memory_promised_bytes')).toBe(guestBytes);
    expect(figure('node_filesystem_avail_bytes')).toBeGreaterThan(0);
  });

  it('counts what the guest reads and writes', async () => {
    const [readBefore, writtenBefore] = [figure('kubevirt_vmi_storage_read_traffic_bytes_total', 'drive="root"'), figure('kubevirt_vmi_storage_write_traffic_bytes_total', 'drive="root"')];
    await shell.run('echo 3 > /proc/sys/vm/drop_caches; dd if=/dev/vda of=/dev/null bs=1M count=8 2>/dev/null; dd if=/dev/zero of=/data/file bs=1M count=4 2>/dev/null; sync');
    expect(figure('kubevirt_vmi_storage_read_traffic_bytes_total', 'drive="root"') - readBefore).toBeGreaterThanOrEqual(8 * MiB);
    expect(figure('kubevirt_vmi_storage_write_traffic_bytes_total', 'drive="root"') - writtenBefore).toBeGreaterThanOrEqual(4 * MiB);
    expect(figure('kubevirt_vmi_storage_iops_write_total', 'drive="root"')).toBeGreaterThan(0);
  });

  it('counts the time that the guest’s processor works', async () => {
    const used = (): number => figure('kubevirt_vmi_vcpu_seconds_total', 'id="0"');
    const before = { all: figure('kubevirt_vmi_cpu_usage_seconds_total'), one: used() };
    shell.type('while :; do :; done &');
    await until('two seconds of work', () => used() - before.one > 2);
    await shell.run('kill $!');
    expect(figure('kubevirt_vmi_cpu_usage_seconds_total') - before.all).toBeGreaterThan(1.9);
    expect(figure('kubevirt_vmi_vcpu_delay_seconds_total', 'id="0"')).toBeGreaterThanOrEqual(0);
  });

  it('tells how much of its memory the guest uses, as its balloon driver says', async () => {
    const available = (): number => figure('kubevirt_vmi_memory_usable_bytes');
    await until('the driver’s word', () => available() > 0, 40_000);
    expect(available()).toBeLessThan(guestBytes);
    expect(figure('kubevirt_vmi_memory_available_bytes')).toBeLessThan(guestBytes);
    expect(figure('kubevirt_vmi_memory_actual_balloon_bytes')).toBe(guestBytes);
  });

  it('is for those whose roles allow it', async () => {
    expect((await engine.api('GET', '/metrics', undefined, { authorization: 'Bearer wrong' })).status).toBe(401);
    engine.kubectl(['create', 'serviceaccount', 'nobody']);
    const token = engine.kubectl(['create', 'token', 'nobody']).trim();
    expect((await engine.api('GET', '/metrics', undefined, { authorization: `Bearer ${token}` })).status).toBe(403);
    expect((await engine.api('GET', `/apis/metrics.hayloft.io/v1/nodes/${nodeName()}/history`, undefined, { authorization: `Bearer ${token}` })).status).toBe(403);
    engine.kubectl(['create', 'clusterrolebinding', 'scraper', '--clusterrole=system:monitoring', '--serviceaccount=default:nobody']);
    expect((await engine.api('GET', '/metrics', undefined, { authorization: `Bearer ${token}` })).status).toBe(200);
  });
});

describe('the history', () => {
  it('holds the machine’s figures, with why there are none of its network', async () => {
    const told = await until('two rows', () => {
      const answer = ofGuest();
      return column(answer, 'memoryUsed').length > 1 && answer;
    });
    expect(told).toMatchObject({ kind: 'MetricsHistory', metadata: { name: 'guest', namespace: 'default' }, stepSeconds: 10, limits: { cpu: 1, memory: guestBytes } });
    expect(Math.max(...column(told, 'cpu'))).toBeGreaterThan(0.2);
    expect(Math.max(...column(told, 'diskRead'))).toBeGreaterThan(0);
    expect(column(told, 'networkReceive')).toEqual([]);
    expect(told.notes).toMatchObject([{ reason: 'NoGuestAgent', series: ['networkReceive', 'networkTransmit'] }]);
    const { time = '' } = told.rows.at(-2) ?? {};
    expect(ofGuest(`?since=${time}`).rows[0]?.time).toBe(told.rows.at(-1)?.time);
    expect(ofGuest('?seconds=86400').stepSeconds).toBe(60);
    expect((await engine.api('GET', '/apis/metrics.hayloft.io/v1/namespaces/default/virtualmachineinstances/guest/history?seconds=0')).status).toBe(400);
    expect((await engine.api('GET', '/apis/metrics.hayloft.io/v1/namespaces/default/virtualmachineinstances/none/history')).status).toBe(404);
  });

  it('holds the node’s figures', () => {
    const told = history(`nodes/${nodeName()}`);
    expect(told.limits.memory).toBeGreaterThan(guestBytes);
    expect(Math.max(...column(told, 'memoryPromised'))).toBe(guestBytes);
    expect(Math.max(...column(told, 'cpu'))).toBeGreaterThan(0);
  });

  it('is there again after a restart, goes on while the engine was killed, and goes with its machine', async () => {
    const before = ofGuest().rows.length;
    await engine.program.stop();
    engine = await startEngine({ dataDir: engine.dataDir });
    expect(ofGuest().rows.length).toBeGreaterThanOrEqual(before);
    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    const count = column(ofGuest(), 'cpu').length;
    await until('a new figure', () => column(ofGuest(), 'cpu').length > count, 40_000);
    const { metadata } = JSON.parse(engine.kubectl(['get', 'vm', 'guest', '-o', 'json'])) as VirtualMachine;
    const files = (): string[] => readdirSync(join(engine.dataDir, 'metrics')).filter((name) => name.startsWith(metadata.uid ?? ''));
    await engine.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/guest/stop', { gracePeriod: 0 });
    await until('the guest to be gone', () => engine.kubectl(['get', 'vmi', '-o', 'name']) === '');
    expect(files()).toHaveLength(1);
    expect(column(ofGuest(), 'cpu').length).toBeGreaterThan(count);
    engine.kubectl(['delete', 'vm', 'guest']);
    await until('its history to be gone', () => files().length === 0);
  }, 240_000);
});
