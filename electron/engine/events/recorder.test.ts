import { expect, it } from 'vitest';
import { events } from '../core/event.ts';
import { namespaces, quiet, rigStore, settled, widget, widgets } from '../store/store-rig.ts';
import { createEventRecorder } from './recorder.ts';

it('counts the same event up, over restarts, too', () => {
  const { resources } = rigStore();
  const about = resources.create(widgets, widget('a'));
  for (let run = 0; run < 2; run += 1) {
    const recorder = createEventRecorder(resources, quiet);
    recorder.record(about, 'Warning', 'Broken', 'It broke.');
    recorder.record(about, 'Warning', 'Broken', 'It broke.');
    recorder.record(about, 'Normal', 'Mended', 'It works again.');
    recorder.stop();
  }
  const found = resources.list(events).map(({ reason, count, involvedObject }) => ({ reason, count, uid: involvedObject.uid }));
  const uid = about.metadata.uid;
  expect(found).toHaveLength(2);
  expect(found).toEqual(expect.arrayContaining([{ reason: 'Broken', count: 4, uid }, { reason: 'Mended', count: 2, uid }]));
});

it('stays within its cap and keeps the newest', async () => {
  const { resources } = rigStore();
  const about = resources.create(widgets, widget('a'));
  const recorder = createEventRecorder(resources, quiet, 10);
  for (let index = 0; index < 40; index += 1) {
    recorder.record(about, 'Normal', 'Step', `Step ${index}`);
    await settled();
  }
  recorder.stop();
  const kept = resources.list(events);
  expect(kept.length).toBeLessThanOrEqual(10);
  expect(kept.map(({ message }) => message)).toContain('Step 39');
});

it('forgets what is older than an hour at its start', () => {
  const { resources } = rigStore();
  const about = resources.create(widgets, widget('a'));
  const recorder = createEventRecorder(resources, quiet);
  recorder.record(about, 'Normal', 'Old', '');
  recorder.record(about, 'Normal', 'New', '');
  recorder.stop();
  const old = resources.list(events).find(({ reason }) => reason === 'Old');
  resources.change(events, 'default', old?.metadata.name ?? '', (event) => {
    event.lastTimestamp = '2020-01-01T00:00:00Z';
  });
  createEventRecorder(resources, quiet).stop();
  expect(resources.list(events).map(({ reason }) => reason)).toEqual(['New']);
});

it('does not fail what it is told about', () => {
  const { resources } = rigStore();
  const recorder = createEventRecorder(resources, quiet);
  recorder.record(widget('a', { namespace: 'gone' }), 'Normal', 'Deleted', '');
  recorder.record({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'cluster-wide' } }, 'Normal', 'Seen', '');
  recorder.stop();
  expect(resources.list(events).map(({ metadata }) => metadata.namespace)).toEqual(['default']);
  expect(resources.list(namespaces)).toHaveLength(2);
});
