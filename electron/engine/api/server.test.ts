import { describe, expect, it, vi } from 'vitest';
import { widget, widgets } from '../store/test-kinds.ts';
import { rigApi, textOf } from './api-rig.ts';

const path = '/apis/test.hayloft.io/v1/namespaces/default/widgets';
/** A header without values is not sent. */
const withoutToken = { authorization: [] as unknown as string };

describe('the API server', () => {
  it('knows its owner by the token, and tells nobody else anything', async () => {
    const rig = await rigApi({ definitions: [widgets] });
    const as = (authorization: string, at: string): Promise<{ status: number }> => rig.call('GET', at, undefined, { authorization });
    expect(await as('Bearer the-owner-knows-it', path)).toMatchObject({ status: 200 });
    for (const wrong of ['', 'Bearer', 'Bearer nobody-knows', 'Basic dGhlLW93bmVyLWtub3dzLWl0', 'Bearer the-owner-knows-it2']) {
      expect(await as(wrong, path), wrong).toMatchObject({ status: 401, body: { kind: 'Status', reason: 'Unauthorized', code: 401 } });
    }
    expect(await as('Bearer nobody-knows', '/healthz')).toMatchObject({ status: 401 });
  });

  it('answers health without any token', async () => {
    const rig = await rigApi({ definitions: [] });
    const answer = await rig.open('GET', '/readyz', withoutToken);
    expect([answer.statusCode, await textOf(answer)]).toEqual([200, 'ok']);
  });

  it('hands raw requests over as they are, unread and unauthenticated', async () => {
    const rig = await rigApi({
      definitions: [],
      raw: [
        {
          path: '/upload',
          methods: ['POST'],
          handle: async (request, response) => {
            let size = 0;
            for await (const chunk of request) size += (chunk as Buffer).length;
            response.end(`${request.headers.authorization ?? ''} ${size}`);
          },
        },
      ],
    });
    const answer = await rig.open('POST', '/upload?x=1', { authorization: 'Bearer of-the-upload' }, Buffer.alloc(5 * 2 ** 20));
    expect(await textOf(answer)).toBe(`Bearer of-the-upload ${5 * 2 ** 20}`);
    expect(await rig.call('GET', '/upload')).toMatchObject({ status: 405 });
  });

  it('serves subresources with whatever body comes, and writes what they answer', async () => {
    const bodies: unknown[] = [];
    const rig = await rigApi({
      definitions: [widgets],
      subresources: [
        {
          ...{ group: 'subresources.test', versions: ['v1', 'v1alpha3'], resource: 'widgets', subresource: 'turn', method: 'PUT' as const },
          handle: ({ namespace, name, body }) => {
            bodies.push([namespace, name, body]);
            return { status: 202 };
          },
        },
      ],
    });
    const turn = '/apis/subresources.test/v1alpha3/namespaces/default/widgets/w/turn';
    expect(await rig.call('PUT', turn)).toEqual({ status: 202, body: '' });
    expect(await rig.call('PUT', turn, '{"by":1}')).toMatchObject({ status: 202 });
    expect(await rig.call('PUT', turn, 'by: 2', { 'content-type': '*/*' })).toMatchObject({ status: 202 });
    expect(bodies).toEqual([['default', 'w', undefined], ['default', 'w', { by: 1 }], ['default', 'w', { by: 2 }]]);
    expect(await rig.call('GET', turn)).toMatchObject({ status: 405 });
  });

  it('tells clients little and the log all about a fault of its own', async () => {
    const broken = { ...widgets, admit: () => { throw new TypeError('secret detail'); } };
    const rig = await rigApi({ definitions: [broken] });
    const answer = await rig.call('POST', path, widget('w'));
    expect(answer).toMatchObject({ status: 500, body: { reason: 'InternalError' } });
    expect(JSON.stringify(answer)).not.toContain('secret detail');
    expect(JSON.stringify(rig.faults)).toContain('secret detail');
  });

  it('keeps status and the rest apart', async () => {
    const rig = await rigApi({ definitions: [widgets] });
    const made = await rig.call('POST', path, { ...widget('w'), status: { phase: 'Made up' } });
    expect(made.body).not.toHaveProperty('status');
    const patch = { 'content-type': 'application/merge-patch+json' };
    await rig.call('PATCH', `${path}/w/status`, { spec: { size: 9 }, status: { phase: 'Ready' } }, patch);
    await rig.call('PATCH', `${path}/w`, { spec: { size: 2 }, status: { phase: 'Made up' } }, patch);
    expect((await rig.call('GET', `${path}/w/status`)).body).toMatchObject({ spec: { size: 2 }, status: { phase: 'Ready' } });
  });

  it('deletes as the options say, and answers with what is left', async () => {
    const rig = await rigApi({ definitions: [widgets] });
    await rig.call('POST', path, widget('held', { finalizers: ['hayloft.io/hold'] }));
    const wrong = await rig.call('DELETE', `${path}/held`, { preconditions: { uid: 'another' } });
    expect(wrong).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    const held = await rig.call('DELETE', `${path}/held`, { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Foreground' });
    expect(held.body).toMatchObject({ kind: 'Widget', metadata: { deletionTimestamp: expect.any(String) as string } });
    await rig.call('POST', path, widget('free'));
    expect((await rig.call('DELETE', `${path}/free?dryRun=All`)).body).toMatchObject({ status: 'Success' });
    expect((await rig.call('DELETE', `${path}/free`)).body).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'free' } });
    expect(await rig.call('DELETE', `${path}/free`)).toMatchObject({ status: 404 });
    expect(await rig.call('DELETE', `${path}/held?propagationPolicy=Sideways`)).toMatchObject({ status: 400 });
    for (const name of ['a', 'b']) await rig.call('POST', path, widget(name, { labels: { go: 'yes' } }));
    await rig.call('DELETE', `${path}?labelSelector=go%3Dyes`);
    const left = (await rig.call('GET', path)).body as { items: { metadata: { name: string } }[] };
    expect(left.items.map(({ metadata }) => metadata.name)).toEqual(['held']);
    expect(await rig.call('DELETE', '/apis/test.hayloft.io/v1/widgets')).toMatchObject({ status: 405 });
  });

  it('ends watches when it closes, and turns newcomers away', async () => {
    const rig = await rigApi({ definitions: [widgets] });
    const watch = await rig.open('GET', `${path}?watch=1`);
    const end = textOf(watch);
    await rig.server.close();
    expect(await end).toBe('');
  });

  it('lets go of a watch whose client does not read, and goes on', async () => {
    const rig = await rigApi({ definitions: [widgets] });
    const watch = await rig.open('GET', `${path}?watch=1`);
    watch.pause();
    const closed = new Promise((resolve) => watch.once('close', resolve));
    watch.on('error', () => undefined);
    const large = { ...widget('w'), spec: { text: 'x'.repeat(1_000_000) } };
    await rig.call('POST', path, large);
    for (let n = 0; n < 40; n += 1) {
      rig.store.resources.change(widgets, 'default', 'w', (draft) => void (draft.metadata.labels = { n: String(n) }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    watch.resume();
    await closed;
    expect(watch.complete).toBe(false);
    expect(await rig.call('GET', `${path}?limit=1`)).toMatchObject({ status: 200 });
    expect(rig.faults).toEqual([]);
  });

  it('sends changes to a watch as they are committed', async () => {
    const rig = await rigApi({ definitions: [widgets] });
    const answer = await rig.open('GET', `${path}?watch=1&labelSelector=in%3Dview`);
    let text = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const types = (): string[] => text.trim().split('\n').filter(Boolean).map((line) => (JSON.parse(line) as { type: string }).type);
    const label = (value: string): unknown => rig.store.resources.change(widgets, 'default', 'w', (draft) => void (draft.metadata.labels = { in: value }));
    await rig.call('POST', path, widget('w'));
    label('view');
    rig.store.resources.changeStatus(widgets, 'default', 'w', (draft) => void (draft.status = { phase: 'Ready' }));
    label('elsewhere');
    label('view');
    await rig.call('DELETE', `${path}/w`);
    await vi.waitFor(() => expect(types()).toEqual(['ADDED', 'MODIFIED', 'DELETED', 'ADDED', 'DELETED']));
    const left = JSON.parse(text.split('\n')[2] ?? '') as { object: { metadata: { labels: unknown; resourceVersion: string } } };
    expect(left.object.metadata.labels).toEqual({ in: 'view' });
    answer.destroy();
  });
});
