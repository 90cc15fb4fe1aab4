/** What clients expect of the protocol itself, whatever the kind. */
import { gunzipSync } from 'node:zlib';
import { request as httpsRequest } from 'node:https';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ConfigMap } from '#shared/kube/core.ts';
import type { KubeList, Status } from '#shared/kube/object.ts';
import { useEngine } from './conformance-engine.ts';
import { configMap } from './samples.ts';

const engine = useEngine();
const path = '/api/v1/namespaces/default/configmaps';
const merge = { 'content-type': 'application/merge-patch+json' };
const api = (...args: Parameters<typeof engine.rig.api>): ReturnType<typeof engine.rig.api> => engine.rig.api(...args);
const namesAt = async (query: string): Promise<unknown> => {
  const answer = await api('GET', `${path}?${query}`);
  return answer.status === 200 ? answer.json<KubeList>().items.map(({ metadata }) => metadata.name) : answer.json<Status>().reason;
};

describe('health', () => {
  it('is told check by check', async () => {
    expect(engine.ok(['get', '--raw', '/readyz?verbose'])).toBe('[+]ping ok\n[+]store ok\n[+]shutdown ok\nreadyz check passed\n');
    expect(engine.ok(['get', '--raw', '/livez/store'])).toBe('ok');
    expect((await api('GET', '/livez/nothing')).status).toBe(404);
  });
});

describe('lists at a revision', () => {
  it('show one moment, in chunks and whole, for as long as it is kept', async () => {
    for (const name of ['moment-1', 'moment-2']) await api('POST', path, configMap(name, { n: '1' }, { moment: 'yes' }));
    const first = (await api('GET', `${path}?labelSelector=moment&limit=1`)).json<KubeList>();
    const { resourceVersion = '', continue: token = '' } = first.metadata;
    await api('DELETE', `${path}/moment-2`);
    await api('POST', path, configMap('moment-3', {}, { moment: 'yes' }));
    expect(await namesAt('labelSelector=moment')).toEqual(['moment-1', 'moment-3']);
    expect(await namesAt(`labelSelector=moment&limit=1&continue=${encodeURIComponent(token)}`)).toEqual(['moment-2']);
    expect(await namesAt(`labelSelector=moment&resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`)).toEqual(['moment-1', 'moment-2']);
    expect(await namesAt(`labelSelector=moment&resourceVersion=${resourceVersion}&resourceVersionMatch=NotOlderThan`)).toEqual(['moment-1', 'moment-3']);
  });

  it.each([
    ['resourceVersionMatch=Exact', 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
    ['resourceVersionMatch=Exact&resourceVersion=0', 'is forbidden for resourceVersion "0"'],
    ['resourceVersionMatch=Newest&resourceVersion=1', 'Unsupported value: "Newest"'],
    ['sendInitialEvents=true', 'sendInitialEvents is forbidden for list'],
    ['watch=1&sendInitialEvents=true', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'],
    ['watch=1&resourceVersionMatch=NotOlderThan&resourceVersion=1', 'is forbidden for watch unless sendInitialEvents is provided'],
  ])('refuse what makes no sense: %s', async (query, words) => {
    const answer = await api('GET', `${path}?${query}`);
    expect(answer.status).toBe(422);
    expect(answer.json<Status>().message).toContain(words);
  });

  it('end a watch with a bookmark to go on from', async () => {
    const text = (await api('GET', `${path}?watch=1&resourceVersion=1&allowWatchBookmarks=true&timeoutSeconds=1`)).text;
    const last = JSON.parse(text.trim().split('\n').at(-1) ?? '') as { type: string; object: { metadata: { resourceVersion: string } } };
    expect(last.type).toBe('BOOKMARK');
    expect(Number(last.object.metadata.resourceVersion)).toBeGreaterThan(1);
  });
});

describe('dry runs', () => {
  it('check and answer, and leave all as it was', async () => {
    await api('POST', path, configMap('kept', { a: '1' }));
    const before = (await api('GET', `${path}/kept`)).text;
    const created = await api('POST', `${path}?dryRun=All`, configMap('never', {}));
    expect([created.status, (await api('GET', `${path}/never`)).status]).toEqual([201, 404]);
    expect((await api('PUT', `${path}/kept?dryRun=All`, configMap('kept', { a: '2' }))).json()).toMatchObject({ data: { a: '2' } });
    expect((await api('PATCH', `${path}/kept?dryRun=All`, { data: { a: '3' } }, merge)).json()).toMatchObject({ data: { a: '3' } });
    expect((await api('DELETE', `${path}/kept?dryRun=All`)).status).toBe(200);
    expect((await api('DELETE', `${path}/kept`, { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] })).status).toBe(200);
    expect((await api('DELETE', `${path}?dryRun=All`)).status).toBe(200);
    expect((await api('POST', `${path}?dryRun=All`, configMap('Bad_Name', {}))).status).toBe(422);
    expect((await api('GET', `${path}/kept`)).text).toBe(before);
  });

  it('fill in defaults as the real thing would', async () => {
    const volume = { apiVersion: 'cdi.kubevirt.io/v1beta1', kind: 'DataVolume', metadata: { name: 'dry' }, spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Mi' } } } } };
    const volumes = '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes';
    const rehearsed = (await api('POST', `${volumes}?dryRun=All`, volume)).json<{ spec: object }>();
    const real = (await api('POST', volumes, volume)).json<{ spec: object }>();
    expect(rehearsed.spec).toEqual(real.spec);
    await api('DELETE', `${volumes}/dry`);
  });
});

describe('deletion', () => {
  const owned = async (name: string, owner: ConfigMap): Promise<void> => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata.name, uid: owner.metadata.uid, blockOwnerDeletion: true }];
    await api('POST', path, { ...configMap(name, {}), metadata: { name, ownerReferences, finalizers: ['hayloft.io/hold'] } });
  };
  const family = async (name: string): Promise<void> => owned(`${name}-child`, (await api('POST', path, configMap(name, {}))).json<ConfigMap>());
  const there = async (name: string): Promise<boolean> => (await api('GET', `${path}/${name}`)).status === 200;
  const letGo = (name: string): Promise<unknown> => api('PATCH', `${path}/${name}`, { metadata: { finalizers: null } }, merge);

  it('waits for dependents, leaves them to themselves, or takes them along, as asked', async () => {
    for (const name of ['fore', 'back', 'orphan']) await family(name);
    await api('DELETE', `${path}/fore?propagationPolicy=Foreground`);
    expect(await there('fore')).toBe(true);
    await letGo('fore-child');
    expect(await there('fore')).toBe(false);
    await api('DELETE', `${path}/back?propagationPolicy=Background`);
    expect([await there('back'), await there('back-child')]).toEqual([false, true]);
    await letGo('back-child');
    expect(await there('back-child')).toBe(false);
    engine.ok(['delete', 'cm', 'orphan', '--cascade=orphan']);
    const left = (await api('GET', `${path}/orphan-child`)).json<ConfigMap>();
    expect(left.metadata.ownerReferences).toBeUndefined();
    expect(left.metadata.deletionTimestamp).toBeUndefined();
  });

  it('minds preconditions, and takes only what a selector means', async () => {
    const made = (await api('POST', path, configMap('guarded', {}, { sweep: 'yes' }))).json<ConfigMap>();
    await api('POST', path, configMap('unswept', {}));
    const wrong = await api('DELETE', `${path}/guarded`, { preconditions: { uid: 'somebody-else' } });
    expect([wrong.status, wrong.json<Status>().reason]).toEqual([409, 'Conflict']);
    expect((await api('DELETE', `${path}/guarded`, { preconditions: { uid: made.metadata.uid, resourceVersion: '1' } })).status).toBe(409);
    expect((await api('DELETE', `${path}?labelSelector=sweep%3Dyes`)).status).toBe(200);
    expect([await there('guarded'), await there('unswept')]).toEqual([false, true]);
    const both = await api('DELETE', `${path}/unswept`, { orphanDependents: true, propagationPolicy: 'Orphan' });
    expect(both.status).toBe(422);
    expect((await api('DELETE', `${path}/unswept`, { preconditions: 7 })).status).toBe(400);
  });
});

describe('representations', () => {
  it('come as YAML, indented, or packed, when that is what is asked for', async () => {
    await api('POST', path, configMap('shown', { text: 'a: b' }));
    const yaml = await api('GET', `${path}/shown`, undefined, { accept: 'application/yaml' });
    expect(yaml.headers['content-type']).toBe('application/yaml');
    expect(parse(yaml.text)).toMatchObject({ kind: 'ConfigMap', data: { text: 'a: b' } });
    const missing = await api('GET', `${path}/hidden`, undefined, { accept: 'application/yaml' });
    expect(parse(missing.text)).toMatchObject({ kind: 'Status', code: 404 });
    expect((await api('GET', `${path}/shown?pretty=true`)).text).toContain('\n  "kind": "ConfigMap"');
    await api('POST', path, configMap('large', { text: 'x'.repeat(200_000) }));
    const packed = await raw('GET', `${path}/large`, { 'accept-encoding': 'gzip, deflate' });
    expect(packed.headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(packed.bytes).toString())).toMatchObject({ metadata: { name: 'large' } });
    expect((await raw('GET', `${path}/large`, {})).headers['content-encoding']).toBeUndefined();
    await api('DELETE', `${path}/large`);
  });

  it('come as tables with as much of each object as is asked for', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const rowsWith = async (include: string): Promise<(string | undefined)[]> => {
      const table = (await api('GET', `${path}/shown?includeObject=${include}`, undefined, { accept })).json<{ rows: { object?: { kind: string } }[] }>();
      return table.rows.map((row) => row.object?.kind);
    };
    expect([await rowsWith('None'), await rowsWith('Metadata'), await rowsWith('Object')]).toEqual([[undefined], ['PartialObjectMetadata'], ['ConfigMap']]);
    expect((await api('GET', `${path}/shown?includeObject=Some`, undefined, { accept })).status).toBe(400);
  });

  it('have a head of their own, and say which methods there are', async () => {
    const head = await raw('HEAD', `${path}/shown`, {});
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    expect(Number(head.headers['content-length'])).toBeGreaterThan(0);
    for (const [method, at, allow] of [
      ['OPTIONS', `${path}/shown`, 'GET, HEAD, PUT, PATCH, DELETE'],
      ['POST', `${path}/shown`, 'GET, HEAD, PUT, PATCH, DELETE'],
      ['PUT', path, 'GET, HEAD, POST, DELETE'],
      ['DELETE', '/api/v1/configmaps', 'GET, HEAD'],
      ['GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'POST'],
      ['POST', '/apis', 'GET, HEAD'],
    ] as const) {
      const answer = await api(method, at);
      expect([method, at, answer.status, answer.headers.allow]).toEqual([method, at, 405, allow]);
    }
  });
});

describe('kubectl', () => {
  beforeAll(() => {
    engine.ok(['create', 'configmap', 'asked', '--from-literal=a=1']);
  });

  it('asks everything else that it knows', () => {
    expect(engine.ok(['auth', 'can-i', '--list'])).toMatch(/\*\.\*\s+\[\]\s+\[\]\s+\[\*\]/);
    expect(engine.ok(['get', '--raw', `${path}/asked`])).toContain('"name":"asked"');
    expect(engine.ok(['api-versions'])).toContain('kubevirt.io/v1\n');
    expect(engine.ok(['explain', 'vm.spec.template', '--recursive'])).toContain('terminationGracePeriodSeconds');
    expect(engine.ok(['explain', 'vm', '--output=plaintext-openapiv2'])).toContain('VirtualMachine');
    expect(engine.refused(['create', 'token', 'nobody'])).toContain('serviceaccounts "nobody" not found');
  });

  it('gets KubeVirt’s version, as its own command-line client does', () => {
    const version = JSON.parse(engine.ok(['get', '--raw', '/apis/subresources.kubevirt.io/v1/version'])) as { gitVersion: string };
    expect(version.gitVersion).toMatch(/^v1\.\d+\.\d+\+hayloft-/);
  });
});

interface RawAnswer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  bytes: Buffer;
}

/** As bytes, which the rig's own client makes into a text. */
function raw(method: string, at: string, headers: Record<string, string>): Promise<RawAnswer> {
  const { endpoint, ca, token } = engine.rig;
  return new Promise((resolve, reject) => {
    httpsRequest(`${endpoint}${at}`, { method, ca, headers: { authorization: `Bearer ${token}`, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }));
    })
      .on('error', reject)
      .end();
  });
}
