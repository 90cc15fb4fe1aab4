import { KubeConfig, makeInformer, CoreV1Api, type Informer, type V1ConfigMap, type V1ConfigMapList } from '@kubernetes/client-node';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startEngine, type RigEngine } from '../rig/engine.ts';

interface Followed {
  informer: Informer<V1ConfigMap>;
  seen: string[];
}

function follow(engine: RigEngine): Followed {
  const config = new KubeConfig();
  config.loadFromFile(engine.kubeconfig);
  const client = config.makeApiClient(CoreV1Api);
  const list = (): Promise<V1ConfigMapList> => client.listNamespacedConfigMap({ namespace: 'default' });
  const informer = makeInformer(config, '/api/v1/namespaces/default/configmaps', list);
  const followed: Followed = { informer, seen: [] };
  for (const verb of ['add', 'update', 'delete'] as const) {
    informer.on(verb, ({ metadata, data }) => followed.seen.push(`${verb} ${metadata?.name ?? ''} ${data?.['n'] ?? ''}`));
  }
  // What the client's own documentation recommends: begin again a moment later.
  let stopped = false;
  const again = (): void => {
    if (!stopped) setTimeout(() => void informer.start().catch(again), 100);
  };
  informer.on('error', again);
  onTestFinished(() => {
    stopped = true;
    return informer.stop();
  });
  return followed;
}

const body = (name: string, n: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { n } });
const path = '/api/v1/namespaces/default/configmaps';

describe("the JavaScript client's informer", () => {
  it('follows additions, changes and deletions, and goes on when the engine comes back', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'hayloft-informer-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true }));
    const engine = await startEngine({ dataDir });
    onTestFinished(() => engine.program.stop());
    await engine.api('POST', path, body('first', '1'));
    const followed = follow(engine);
    await followed.informer.start();
    await vi.waitFor(() => expect(followed.seen).toEqual(['add first 1']));

    await engine.api('POST', path, body('second', '1'));
    await engine.api('PATCH', `${path}/second`, { data: { n: '2' } }, { 'content-type': 'application/merge-patch+json' });
    await engine.api('DELETE', `${path}/first`);
    await vi.waitFor(() => expect(followed.seen.slice(1)).toEqual(['add second 1', 'update second 2', 'delete first 1']));

    followed.seen.length = 0;
    await engine.program.stop();
    const again = await startEngine({ dataDir });
    onTestFinished(() => again.program.stop());
    expect(again.endpoint).toBe(engine.endpoint);
    await again.api('POST', path, body('third', '1'));
    await vi.waitFor(() => expect(followed.seen).toContain('add third 1'), 20_000);
    await again.api('DELETE', `${path}/second`);
    await vi.waitFor(() => expect(followed.seen).toContain('delete second 2'), 20_000);
  });
});
