import { describe, expect, it } from 'vitest';
import type { Status } from '#shared/kube/object.ts';
import { useEngine } from './conformance-engine.ts';
import { configMap, machine } from './samples.ts';

const engine = useEngine();
const configMaps = '/api/v1/namespaces/default/configmaps';
const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';

const withTypo = (name: string): object => {
  const vm = machine(name);
  return { ...vm, spec: { ...vm.spec, runStrategie: 'Always' } };
};

describe('unknown fields', () => {
  it('are refused by default', () => {
    const told = engine.refused(['apply', '-f', '-'], withTypo('strict'));
    expect(told).toContain('strict decoding error: unknown field "spec.runStrategie"');
    expect(engine.refused(['get', 'vm', 'strict'])).toContain('not found');
  });

  it('are warned about with --validate=warn, and dropped', () => {
    const { code, stderr } = engine.run(['create', '--validate=warn', '-f', '-'], withTypo('warned'));
    expect({ code, stderr: stderr.trim() }).toEqual({ code: 0, stderr: 'Warning: unknown field "spec.runStrategie"' });
    expect(engine.ok(['get', 'vm', 'warned', '-o', 'json'])).not.toContain('runStrategie');
    engine.ok(['delete', 'vm', 'warned']);
  });

  it('are dropped in silence with --validate=ignore', () => {
    expect(engine.run(['create', '--validate=ignore', '-f', '-'], withTypo('ignored'))).toMatchObject({ code: 0, stderr: '' });
    engine.ok(['delete', 'vm', 'ignored']);
  });

  it('are named when they come by a patch, and deep in a list', async () => {
    engine.ok(['create', '-f', '-'], machine('deep'));
    const patch = { spec: { template: { spec: { volumes: [{ name: 'a', emptyDisk: { capacity: '1Mi', colour: 'red' } }] } } } };
    const answer = await engine.rig.api('PATCH', `${machines}/deep?fieldValidation=Strict`, patch, {
      'content-type': 'application/merge-patch+json',
    });
    expect(answer.status).toBe(400);
    expect(answer.json<Status>().message).toContain('unknown field "spec.template.spec.volumes[0].emptyDisk.colour"');
    engine.ok(['delete', 'vm', 'deep']);
  });
});

describe('duplicate fields', () => {
  const text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}';

  it('are refused or warned about as unknown ones are', async () => {
    const strict = await engine.rig.api('POST', `${configMaps}?fieldValidation=Strict`, text);
    expect(strict.status).toBe(400);
    expect(strict.json<Status>().message).toContain('duplicate field "data.a"');
    const warned = await engine.rig.api('POST', configMaps, text);
    expect(warned.status).toBe(201);
    expect(warned.headers['warning']).toBe('299 - "duplicate field \\"data.a\\""');
    expect(warned.json()).toMatchObject({ data: { a: '2' } });
  });
});

describe('wrong values', () => {
  it('are named by their paths, all of them', async () => {
    const body = { ...machine('wrong'), spec: { runStrategy: 'Sometimes', template: { spec: { domain: { memory: { guest: 'much' }, devices: 7 } } } } };
    const answer = await engine.rig.api('POST', machines, body);
    expect(answer.status).toBe(422);
    const status = answer.json<Status>();
    expect(status).toMatchObject({ kind: 'Status', reason: 'Invalid', details: { name: 'wrong', group: 'kubevirt.io' } });
    expect(status.details?.causes?.map(({ field, reason }) => `${field ?? ''}: ${reason ?? ''}`)).toEqual([
      'spec.runStrategy: FieldValueNotSupported',
      'spec.template.spec.domain.memory.guest: FieldValueTypeInvalid',
      'spec.template.spec.domain.devices: FieldValueTypeInvalid',
    ]);
  });

  it('are named when a machine’s volume template is no volume at all', async () => {
    for (const [template, field] of [[{}, 'metadata'], [7, ''], [{ metadata: null, spec: null }, 'metadata']] as const) {
      const vm = machine('wrong');
      const answer = await engine.rig.api('POST', machines, { ...vm, spec: { ...vm.spec, dataVolumeTemplates: [template] } });
      expect(answer.status).toBe(422);
      const path = `spec.dataVolumeTemplates[0]${field === '' ? '' : `.${field}`}`;
      expect(answer.json<Status>().details?.causes?.map((cause) => cause.field)).toContain(path);
    }
  });

  it('read well in kubectl', () => {
    const told = engine.refused(['create', '-f', '-'], { ...machine('wrong'), spec: { ...machine('wrong').spec, runStrategy: 'Sometimes' } });
    expect(told).toContain('The VirtualMachine "wrong" is invalid: spec.runStrategy: Unsupported value: "Sometimes"');
    expect(engine.refused(['create', '-f', '-'], configMap('Not_A_Name', {}))).toContain('metadata.name');
  });

  it('are refused where the engine cannot honour a field, whatever the client asks for', () => {
    const vm = machine('hooked');
    const wanted = { ...vm, spec: { ...vm.spec, template: { spec: { ...vm.spec.template.spec, livenessProbe: { tcpSocket: { port: 1 } } } } } };
    for (const mode of ['strict', 'warn', 'ignore']) {
      expect(engine.refused(['create', `--validate=${mode}`, '-f', '-'], wanted)).toContain('spec.template.spec.livenessProbe');
    }
  });
});

describe('requests that are no requests', () => {
  it.each<[string, string, string, unknown, Record<string, string>, number, string]>([
    ['malformed JSON', 'POST', configMaps, '{"kind":', {}, 400, 'BadRequest'],
    ['another kind', 'POST', configMaps, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }, {}, 400, 'BadRequest'],
    ['another namespace', 'POST', configMaps, { ...configMap('a', {}), metadata: { name: 'a', namespace: 'b' } }, {}, 400, 'BadRequest'],
    ['another name', 'PUT', `${configMaps}/a`, configMap('b', {}), {}, 400, 'BadRequest'],
    ['a type that nobody reads', 'POST', configMaps, 'a: b', { 'content-type': 'text/plain' }, 415, 'UnsupportedMediaType'],
    ['too much', 'POST', configMaps, `{"a":"${'x'.repeat(3 * 2 ** 20)}"}`, {}, 413, 'RequestEntityTooLarge'],
    ['an unknown kind', 'GET', '/apis/kubevirt.io/v1/virtualmachinepools', undefined, {}, 404, 'NotFound'],
    ['an unknown path', 'GET', '/nowhere', undefined, {}, 404, 'NotFound'],
    ['a method that does not fit', 'POST', `${configMaps}/a`, configMap('a', {}), {}, 405, 'MethodNotAllowed'],
    ['a field named __proto__', 'POST', configMaps, '{"metadata":{"name":"p"},"data":{"__proto__":"x"}}', {}, 400, 'BadRequest'],
    ['an answer that nobody writes', 'GET', configMaps, undefined, { accept: 'application/vnd.kubernetes.protobuf' }, 406, 'NotAcceptable'],
    ['an unreadable selector', 'GET', `${configMaps}?labelSelector=a%20b`, undefined, {}, 400, 'BadRequest'],
    ['an unknown dryRun', 'POST', `${configMaps}?dryRun=Some`, configMap('a', {}), {}, 400, 'BadRequest'],
  ])('get a Status: %s', async (_what, method, path, body, headers, code, reason) => {
    const answer = await engine.rig.api(method, path, body, headers);
    expect(answer.status).toBe(code);
    expect(answer.json()).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code });
  });

  it('YAML is read as well as JSON', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata: {a: "1"}\n';
    const answer = await engine.rig.api('POST', configMaps, yaml, { 'content-type': 'application/yaml' });
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject({ data: { a: '1' } });
  });
});
