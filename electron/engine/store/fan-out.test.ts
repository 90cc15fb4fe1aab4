import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { KubeObject } from '#shared/kube/object.ts';
import type { StoredChange } from './api-store.ts';
import { openStore } from './store.ts';
import { quiet, widget, widgets } from './test-kinds.ts';

it('reads a change once for all who watch and follow', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-fan-out-'));
  const store = openStore(join(folder, 'store.db'), quiet);
  onTestFinished(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });
  const seen: StoredChange[] = [];
  const followed: KubeObject[] = [];
  for (let count = 0; count < 2; count += 1) {
    store.api.watch(widgets, { since: store.api.resourceVersion }, (change) => seen.push(change));
    store.resources.subscribe(widgets, ({ object }) => followed.push(object));
  }
  store.api.watch({ ...widgets, version: 'v2' }, { since: store.api.resourceVersion }, (change) => seen.push(change));
  store.api.create(widgets, widget('one'));
  await vi.waitFor(() => expect(seen).toHaveLength(3));
  expect(seen[0]).toBe(seen[1]);
  expect(seen[2]?.object).toEqual({ ...seen[0]?.object, apiVersion: 'test.hayloft.io/v2' });
  expect(followed[0]).toBe(seen[0]?.object);
  expect(followed[1]).toBe(followed[0]);
});
