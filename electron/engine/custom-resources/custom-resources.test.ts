/** Kinds that are added while the engine runs, over real HTTP. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { KubeObject, Status } from '#shared/kube/object.ts';
import { rigApi, type ApiRig } from '../api/api-rig.ts';
import type { EngineContext } from '../context.ts';
import { quiet } from '../store/test-kinds.ts';
import { until } from '../../../test/rig/until.ts';
import type { CustomResourceDefinition } from './definition.ts';
import { createCustomResourcesModule } from './module.ts';
import type { JsonSchema } from './schema/json-schema.ts';

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const boats = '/apis/sea.example.org/v1/namespaces/default/boats';

async function rig(): Promise<ApiRig> {
  const module = createCustomResourcesModule(() => []);
  const api = await rigApi(module);
  await module.start({ resources: api.store.resources, log: quiet } as EngineContext);
  onTestFinished(() => module.stop());
  return api;
}

const boatSchema: JsonSchema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['length'],
      properties: {
        length: { type: 'integer', minimum: 1, maximum: 100 },
        colour: { type: 'string', enum: ['red', 'blue'], default: 'red' },
        crew: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, age: { type: 'integer' } } },
        },
        port: { 'x-kubernetes-int-or-string': true },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        note: { type: 'string', nullable: true },
        replicas: { type: 'integer' },
      },
    },
    status: { type: 'object', properties: { phase: { type: 'string' }, replicas: { type: 'integer' } } },
  },
};

function crd(schema: JsonSchema = boatSchema, change: Partial<CustomResourceDefinition['spec']> = {}): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'boats.sea.example.org' },
    spec: {
      group: 'sea.example.org',
      scope: 'Namespaced',
      names: { plural: 'boats', singular: 'boat', kind: 'Boat', shortNames: ['bt'], categories: ['fleet'] },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } },
          subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
          additionalPrinterColumns: [
            { name: 'Length', type: 'integer', jsonPath: '.spec.length' },
            { name: 'Captain', type: 'string', jsonPath: '.spec.crew[?(@.age>50)].name' },
          ],
        },
      ],
      ...change,
    },
  };
}

const boat = (spec: unknown, name = 'a'): KubeObject & { spec: unknown } => ({ apiVersion: 'sea.example.org/v1', kind: 'Boat', metadata: { name }, spec });

async function causesOf(api: ApiRig, spec: unknown): Promise<string[]> {
  const { status, body } = await api.call('POST', boats, boat(spec));
  expect(status).toBe(422);
  return ((body as Status).details?.causes ?? []).map(({ reason, field, message }) => `${field ?? ''} | ${reason ?? ''} | ${message ?? ''}`);
}

describe('a definition', () => {
  it('is established at once, and serves its kind', async () => {
    const api = await rig();
    const made = await api.call('POST', crds, crd());
    expect(made).toMatchObject({ status: 201, body: { status: { acceptedNames: { listKind: 'BoatList' }, storedVersions: ['v1'] } } });
    expect((made.body as CustomResourceDefinition).status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual(['NamesAccepted=True', 'Established=True']);
    const group = await api.call('GET', '/apis/sea.example.org/v1');
    expect((group.body as { resources: { name: string }[] }).resources.map(({ name }) => name)).toEqual(['boats', 'boats/status', 'boats/scale']);
    expect(await api.call('GET', boats)).toMatchObject({ status: 200, body: { kind: 'BoatList', items: [] } });
    expect(api.faults).toEqual([]);
  });

  it('is refused by the path of what is wrong with its schema', async () => {
    const api = await rig();
    const schema = { type: 'object', properties: { spec: { properties: { a: { type: 'text' }, b: { type: 'array' }, c: { type: 'string', pattern: '(' } } } } };
    const { status, body } = await api.call('POST', crds, crd(schema));
    expect(status).toBe(422);
    const at = 'spec.versions[0].schema.openAPIV3Schema.properties[spec]';
    const found = (body as Status).details?.causes?.map(({ field, message }) => `${field ?? ''}: ${message ?? ''}`) ?? [];
    expect(found.slice(0, 3)).toEqual([
      `${at}.type: Required value: must not be empty for specified object fields`,
      `${at}.properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      `${at}.properties[b].items: Required value: must be specified`,
    ]);
    expect(found[3]).toContain(`${at}.properties[c].pattern: Invalid value: "(": must be a valid regular expression`);
  });

  it.each<[string, Partial<CustomResourceDefinition['spec']>, string]>([
    ['another group', { group: 'land.example.org' }, 'metadata.name'],
    ['no storage version', { versions: [{ ...crd().spec.versions[0], name: 'v1', served: true, storage: false }] }, 'spec.versions'],
    ['conversion between served versions', {
      conversion: { strategy: 'Webhook', webhook: {} },
      versions: ['v1', 'v2'].map((name) => ({ ...crd().spec.versions[0], name, served: true, storage: name === 'v1' })),
    }, 'spec.conversion.strategy'],
  ])('with %s is refused', async (_, change, field) => {
    const api = await rig();
    const { status, body } = await api.call('POST', crds, crd(boatSchema, change));
    expect([status, (body as Status).details?.causes?.map((cause) => cause.field)]).toEqual([422, [field]]);
  });

  it('waits while another has its names, and gets them when they are free', async () => {
    const api = await rig();
    await api.call('POST', crds, crd());
    const other = crd(boatSchema, { names: { plural: 'ships', kind: 'Ship', shortNames: ['bt'] } });
    other.metadata.name = 'ships.sea.example.org';
    const made = await api.call('POST', crds, other);
    expect((made.body as CustomResourceDefinition).status?.conditions?.[0]).toMatchObject({ status: 'False', reason: 'ShortNamesConflict', message: '"bt" is already in use' });
    expect((await api.call('GET', '/apis/sea.example.org/v1/ships')).status).toBe(404);
    await api.call('DELETE', `${crds}/boats.sea.example.org`);
    await until('the names', async () => (await api.call('GET', '/apis/sea.example.org/v1/ships')).status === 200);
  });

  it('takes its objects with it when it goes, and ends their watches', async () => {
    const api = await rig();
    await api.call('POST', crds, crd());
    for (let number = 0; number < 120; number++) await api.call('POST', boats, boat({ length: 3 }, `b${number}`));
    const watch = await api.open('GET', `${boats}?watch=true`);
    watch.resume();
    const ended = new Promise((resolve) => watch.on('end', resolve));
    await api.call('DELETE', `${crds}/boats.sea.example.org`);
    await ended;
    expect((await api.call('GET', `${crds}/boats.sea.example.org`)).status).toBe(404);
    expect((await api.call('GET', boats)).status).toBe(404);
    await api.call('POST', crds, crd());
    expect(await api.call('GET', boats)).toMatchObject({ body: { items: [] } });
  });

  it('waits for objects that a finalizer holds, and lets nothing new be made', async () => {
    const api = await rig();
    await api.call('POST', crds, crd());
    await api.call('POST', boats, { ...boat({ length: 3 }), metadata: { name: 'held', finalizers: ['example.org/hold'] } });
    await api.call('DELETE', `${crds}/boats.sea.example.org`);
    expect((await api.call('POST', boats, boat({ length: 3 }))).status).toBe(405);
    await api.call('PATCH', `${boats}/held`, { metadata: { finalizers: null } }, { 'content-type': 'application/merge-patch+json' });
    await until('the definition to go', async () => (await api.call('GET', `${crds}/boats.sea.example.org`)).status === 404);
  });
});

describe('an object', () => {
  it('gets defaults, loses what nobody knows and what is null', async () => {
    const api = await rig();
    await api.call('POST', crds, crd());
    const spec = { length: 3, typo: 1, free: { any: { thing: [1] } }, crew: [{ name: 'x', nose: 1 }], note: null, port: null };
    const made = await api.call('POST', boats, boat(spec));
    expect(made).toMatchObject({ status: 201, body: { metadata: { generation: 1 } } });
    expect((made.body as { spec: unknown }).spec).toEqual({ length: 3, colour: 'red', free: { any: { thing: [1] } }, crew: [{ name: 'x' }], note: null });
    const strict = await api.call('POST', `${boats}?fieldValidation=Strict`, boat(spec, 'b'));
    expect((strict.body as Status).message).toContain('strict decoding error: unknown field "spec.typo", unknown field "spec.crew[0].nose"');
  });

  it('is judged in the words of Kubernetes', async () => {
    const api = await rig();
    await api.call('POST', crds, crd());
    const wrong = { colour: 'green', length: 1.5, crew: [{ name: 'a' }, { name: 'a' }, {}], port: true, labels: { a: 1 }, replicas: null };
    expect(await causesOf(api, wrong)).toEqual([
      'spec.colour | FieldValueNotSupported | Unsupported value: "green": supported values: "red", "blue"',
      'spec.length | FieldValueTypeInvalid | Invalid value: "number": spec.length in body must be of type integer: "number"',
      'spec.crew[2].name | FieldValueRequired | Required value',
      'spec.crew[1] | FieldValueDuplicate | Duplicate value: {"name":"a"}',
      'spec.port | FieldValueTypeInvalid | Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
      'spec.labels.a | FieldValueTypeInvalid | Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
    ]);
    expect(await causesOf(api, { length: 0 })).toEqual(['spec.length | FieldValueInvalid | Invalid value: 0: spec.length in body should be greater than or equal to 1']);
  });

  it('has a status and a scale of its own', async () => {
    const api = await rig();
    await api.call('POST', crds, crd());
    await api.call('POST', boats, { ...boat({ length: 3, replicas: 2 }), status: { phase: 'Lost' } });
    expect((await api.call('GET', `${boats}/a`)).body).not.toHaveProperty('status');
    const merge = { 'content-type': 'application/merge-patch+json' };
    await api.call('PATCH', `${boats}/a/status`, { spec: { length: 50 }, status: { phase: 'Afloat', replicas: 1 } }, merge);
    expect((await api.call('GET', `${boats}/a`)).body).toMatchObject({ metadata: { generation: 1 }, spec: { length: 3 }, status: { phase: 'Afloat' } });
    const scaled = await api.call('PATCH', `${boats}/a/scale`, { spec: { replicas: 5 } }, merge);
    expect(scaled).toMatchObject({ status: 200, body: { kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 5 }, status: { replicas: 1 } } });
    expect((await api.call('GET', `${boats}/a`)).body).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 5 } });
    expect((await api.call('PATCH', `${boats}/a/scale`, { spec: { replicas: -1 } }, merge)).status).toBe(422);
  });

  it('is shown in every version, with that version’s defaults', async () => {
    const api = await rig();
    const version = crd().spec.versions[0];
    const later: JsonSchema = { type: 'object', properties: { spec: { type: 'object', properties: { length: { type: 'integer' }, sails: { type: 'integer', default: 2 } } } } };
    const versions = [
      { ...version, name: 'v1', served: true, storage: true },
      { ...version, name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: later } },
      { ...version, name: 'v1beta1', served: true, storage: false },
    ];
    expect((await api.call('POST', crds, crd(boatSchema, { versions }))).status).toBe(201);
    await api.call('POST', boats, boat({ length: 3 }));
    expect((await api.call('GET', '/apis/sea.example.org/v2/namespaces/default/boats/a')).body).toMatchObject({ apiVersion: 'sea.example.org/v2', spec: { length: 3, sails: 2 } });
    expect((await api.call('GET', '/apis/sea.example.org')).body).toMatchObject({ preferredVersion: { version: 'v2' }, versions: [{ version: 'v2' }, { version: 'v1' }, { version: 'v1beta1' }] });
  });

  it('fills the columns of a table', async () => {
    const api = await rig();
    await api.call('POST', crds, crd());
    await api.call('POST', boats, boat({ length: 3, crew: [{ name: 'jim', age: 12 }, { name: 'silver', age: 55 }] }));
    const table = await api.call('GET', boats, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    expect(table.body).toMatchObject({ columnDefinitions: [{ name: 'Name' }, { name: 'Length' }, { name: 'Captain' }], rows: [{ cells: ['a', 3, 'silver'] }] });
  });
});

describe('rules in CEL', () => {
  const rules = (...given: object[]): CustomResourceDefinition => crd({ ...boatSchema, properties: { spec: { ...boatSchema.properties?.['spec'], 'x-kubernetes-validations': given } } } as JsonSchema);

  it('are held by every write, and read again by an engine that starts', async () => {
    const api = await rig();
    expect((await api.call('POST', crds, rules({ rule: 'self.length < 50 || self.colour == "blue"', message: 'long boats are blue' }, { rule: 'self.length >= oldSelf.length', message: 'boats grow' }))).status).toBe(201);
    await until('the kind', async () => (await api.call('GET', boats)).status === 200);
    expect(await causesOf(api, { length: 60 })).toEqual(['spec | FieldValueInvalid | Invalid value: "object": long boats are blue']);
    expect((await api.call('POST', boats, boat({ length: 60, colour: 'blue' }))).status).toBe(201);
    const shrunk = await api.call('PATCH', `${boats}/a`, { spec: { length: 55 } }, { 'content-type': 'application/merge-patch+json' });
    expect((shrunk.body as Status).message).toContain('spec: Invalid value: "object": boats grow');
    const again = createCustomResourcesModule(() => []);
    await again.start({ resources: api.store.resources, log: quiet } as EngineContext);
    const kind = again.dynamic?.definitions()[0];
    expect(() => kind?.admit?.({ operation: 'create', object: boat({ length: 60, colour: 'red' }), old: undefined, warn: () => undefined })).toThrow('long boats are blue');
    await again.stop();
  });

  it('are refused where they cannot be read', async () => {
    const api = await rig();
    const { status, body } = await api.call('POST', crds, rules({ rule: 'self.length.frobnicate()' }));
    expect(status).toBe(422);
    expect((body as Status).message).toContain('spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule');
    expect((await api.call('POST', crds, rules({ rule: 'self.length > 0' }))).status).toBe(201);
  });
});
