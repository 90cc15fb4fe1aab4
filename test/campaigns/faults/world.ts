/** The app's half of the cluster connection as it is, over the fault proxy, and the objects that change meanwhile. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Clusters } from '../../../electron/backend/clusters/clusters.ts';
import type { ClusterConnection } from '../../../electron/backend/clusters/connection.ts';
import { claims, dataVolumes, events, nodes, services, virtualMachineInstances, virtualMachines, pathOf, type Kind } from '../../../electron/backend/clusters/kinds.ts';
import { trim } from '../../../electron/backend/clusters/trim.ts';
import { WatchCache } from '../../../electron/backend/clusters/watch-cache.ts';
import type { Cluster } from '../../../shared/contract/clusters.ts';
import type { KubeList, KubeObject } from '../../../shared/kube/object.ts';
import { startEngine, type RigEngine } from '../../rig/engine.ts';
import { FaultProxy } from '../../rig/fault-proxy.ts';
import { until } from '../../rig/until.ts';
import type { Random } from '../random.ts';

const kinds: readonly Kind<KubeObject>[] = [virtualMachines, virtualMachineInstances, dataVolumes, claims, nodes, events, services];

export class FaultWorld {
  readonly engine: RigEngine;
  readonly proxy: FaultProxy;
  readonly cluster: ClusterConnection;
  /** What a page would have been told, with the time in milliseconds. */
  readonly told: { at: number; view: Cluster }[] = [];
  changes = 0;
  readonly #clusters: Clusters;
  readonly #folder: string;
  readonly #stops: (() => void)[];

  private constructor(engine: RigEngine, proxy: FaultProxy, clusters: Clusters, folder: string) {
    this.engine = engine;
    this.proxy = proxy;
    this.#clusters = clusters;
    this.#folder = folder;
    this.cluster = clusters.get('faulty');
    const note = (view: Cluster): void => void this.told.push({ at: performance.now(), view });
    this.#stops = [
      clusters.topic.subscribe({
        onSnapshot: (views) => views.filter(({ id }) => id === 'faulty').forEach(note),
        onChanges: (views) => views.filter(({ id }) => id === 'faulty').forEach(note),
        onError: () => undefined,
      }),
      ...kinds.map((kind) => this.cluster.cache(kind).watch(() => undefined)),
    ];
  }

  static async start(): Promise<FaultWorld> {
    const engine = await startEngine();
    const proxy = await FaultProxy.start(engine);
    const folder = mkdtempSync(join(tmpdir(), 'hayloft-faults-'));
    mkdirSync(join(folder, 'clusters'));
    writeFileSync(join(folder, 'token'), proxy.token);
    writeFileSync(join(folder, 'clusters', 'faulty.yaml'), proxy.kubeconfig({ tokenFile: join(folder, 'token') }));
    const clusters = new Clusters(join(folder, 'clusters'), { warn: () => undefined });
    return new FaultWorld(engine, proxy, clusters, folder);
  }

  get state(): Cluster['state'] {
    return this.told.at(-1)?.view.state ?? 'connecting';
  }

  /** The file that the kubeconfig names gets the token that is taken now, as whatever renews tokens would do it. */
  renewToken(): void {
    writeFileSync(join(this.#folder, 'token'), this.proxy.token);
  }

  /** One change of the engine's objects, straight at the engine. */
  async change(random: Random): Promise<void> {
    this.changes += 1;
    const name = `m${random.below(12)}`;
    const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
    const volumes = '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes';
    const merge = { 'content-type': 'application/merge-patch+json' };
    const { engine } = this;
    const changes = [
      () => engine.api('POST', machines, machineNamed(name)),
      () => engine.api('DELETE', `${machines}/${name}`),
      () => engine.api('POST', volumes, volumeNamed(name)),
      () => engine.api('DELETE', `${volumes}/${name}`),
      () => engine.api('PATCH', `${machines}/${name}`, { metadata: { labels: { mark: `x${random.below(1e6)}` } } }, merge),
      () => engine.api('PATCH', `${machines}/${name}`, { metadata: { labels: { mark: `x${random.below(1e6)}` } } }, merge),
    ];
    await random.pick(changes)();
  }

  /**
   * Waits until the app knows every object as it is, and no other.
   * @returns how many objects there are
   * @throws Error that names what is different
   */
  async same(limitMs: number): Promise<number> {
    let different: string[] = [];
    let count = 0;
    await until('nothing to be different', async () => {
      const found = await Promise.all(kinds.map((kind) => this.#compare(kind)));
      different = found.flatMap((item) => item.different);
      count = found.reduce((sum, item) => sum + item.count, 0);
      return different.length === 0;
    }, limitMs).catch(() => {
      throw new Error(`The app knows otherwise than the cluster (state ${this.state}):\n    ${different.join('\n    ')}`);
    });
    return count;
  }

  async destroy(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#clusters.close();
    await this.proxy.close();
    await this.engine.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #compare(kind: Kind<KubeObject>): Promise<{ different: string[]; count: number }> {
    const list = (await this.engine.api('GET', pathOf(kind, undefined))).json<KubeList>();
    const { objects } = this.cluster.cache(kind);
    const different: string[] = [];
    const there = new Set<string>();
    const kept = (item: KubeObject): KubeObject => kind.lean?.of(trim(item)) ?? trim(item);
    for (const item of list.items) {
      const key = WatchCache.key(item);
      there.add(key);
      const known = objects.get(key);
      // Items of a list do not say what they are; events of a watch do.
      const plain = ({ metadata, ...rest }: KubeObject): object => ({ ...rest, metadata, apiVersion: undefined, kind: undefined });
      if (!known) different.push(`${kind.plural} ${key} is not known`);
      else if (!isDeepStrictEqual(plain(known), plain(kept(item)))) {
        different.push(`${kind.plural} ${key} is known as ${known.metadata.resourceVersion ?? '?'}, and is ${item.metadata.resourceVersion ?? '?'}`);
      }
    }
    for (const key of objects.keys()) if (!there.has(key)) different.push(`${kind.plural} ${key} is known, and gone`);
    return { different, count: list.items.length };
  }
}

const machineNamed = (name: string): KubeObject & { spec: object } => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name },
  spec: { runStrategy: 'Halted', template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} } } } },
});

const volumeNamed = (name: string): KubeObject & { spec: object } => ({
  apiVersion: 'cdi.kubevirt.io/v1beta1',
  kind: 'DataVolume',
  metadata: { name },
  spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Mi' } } } },
});
