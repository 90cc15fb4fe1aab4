/** Objects as the engine's own schemas describe them, of every kind, and what can be spoiled in them. */
import type { EngineClient } from '../../rig/engine-client.ts';
import type { Random } from '../random.ts';

interface Schema {
  type?: string;
  format?: string;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  items?: Schema;
  required?: string[];
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[];
}

export interface FuzzKind {
  apiVersion: string;
  kind: string;
  /** Where its objects are, in the default namespace or nowhere. */
  path: string;
  namespaced: boolean;
  schema: Schema;
  /** What is accepted as it stands: mutations of it get further than what a schema alone can say. */
  valid: Record<string, unknown> | undefined;
}

const domain = { memory: { guest: '64Mi' }, devices: { disks: [{ name: 'd', disk: { bus: 'virtio' } }] } };
const validOnes: Record<string, Record<string, unknown>> = {
  Toy: { spec: { size: 3, parts: [{ name: 'a' }, { name: 'b' }], port: 'http', any: { a: [1] }, colour: 'blue' }, status: { phase: 'x' } },
  ConfigMap: { data: { a: '1' }, binaryData: { b: 'AAAA' } },
  Secret: { type: 'Opaque', data: { a: 'YQ==' }, stringData: { b: 'b' } },
  Service: { spec: { type: 'NodePort', selector: { a: 'b' }, ports: [{ name: 'a', port: 80, protocol: 'TCP', targetPort: 8080 }] } },
  PersistentVolumeClaim: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } },
  DataVolume: { spec: { source: { blank: {} }, storage: { resources: { requests: { storage: '1Mi' } } } } },
  VirtualMachine: {
    spec: {
      runStrategy: 'Halted',
      dataVolumeTemplates: [],
      template: { metadata: { labels: { a: 'b' } }, spec: { domain, volumes: [{ name: 'd', emptyDisk: { capacity: '1Mi' } }], networks: [{ name: 'n', pod: {} }] } },
    },
  },
  Role: { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  RoleBinding: { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'a' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'x' }] },
  CustomResourceDefinition: {
    spec: {
      ...{ group: 'fuzz.example.org', scope: 'Namespaced', names: { kind: 'Game', plural: 'a', singular: 'game' } },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string', pattern: '^a+$' } } } } } } }],
    },
  },
};

/** Kinds that would take the campaign's own way in: the owner's token, and the authority. */
const kept = new Set(['Rotation', 'AccessToken', 'Namespace']);

/** Every kind that can be made, with its schema. */
export async function everyKind(engine: EngineClient): Promise<FuzzKind[]> {
  const index = (await engine.api('GET', '/openapi/v3')).json<{ paths: Record<string, unknown> }>();
  const kinds: FuzzKind[] = [];
  for (const root of Object.keys(index.paths)) {
    const document = (await engine.api('GET', `/openapi/v3/${root}`)).json<{ components: { schemas: Record<string, Schema> } }>();
    const list = (await engine.api('GET', `/${root}`)).json<{ resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[] }>();
    for (const schema of Object.values(document.components.schemas)) {
      const { group = '', version = '', kind = '' } = schema['x-kubernetes-group-version-kind']?.[0] ?? {};
      const found = list.resources.find((resource) => resource.kind === kind && resource.verbs.includes('create') && !resource.name.includes('/'));
      if (!found || kept.has(kind)) continue;
      const path = `/${root}/${found.namespaced ? 'namespaces/default/' : ''}${found.name}`;
      kinds.push({ apiVersion: group === '' ? version : `${group}/${version}`, kind, path, namespaced: found.namespaced, schema, valid: validOnes[kind] });
    }
  }
  return kinds;
}

const texts = ['a', 'b', '10Gi', '64Mi', '1', '2026-01-01T00:00:00Z', 'default', 'http://127.0.0.1:1/x', '02:00:00:00:00:01', 'virtio', ''];

function valueOf(random: Random, schema: Schema, depth: number): unknown {
  if (schema.enum && random.chance(0.9)) return random.pick(schema.enum);
  switch (schema.type) {
    case 'object': {
      if (schema.additionalProperties) return { [random.pick(texts)]: valueOf(random, schema.additionalProperties, depth + 1) };
      const names = Object.keys(schema.properties ?? {}).filter((name) => (schema.required ?? []).includes(name) || random.chance(depth > 6 ? 0.05 : 0.35));
      return Object.fromEntries(names.map((name) => [name, valueOf(random, schema.properties?.[name] ?? {}, depth + 1)]));
    }
    case 'array':
      return Array.from({ length: random.below(3) }, () => valueOf(random, schema.items ?? {}, depth + 1));
    case 'integer':
    case 'number':
      return random.pick([0, 1, 2, 64, -1]);
    case 'boolean':
      return random.chance(0.5);
    default:
      return random.pick(texts);
  }
}

export const nameOf = (random: Random, { kind }: FuzzKind): string => random.pick(['a', 'b', 'c']) + (kind === 'CustomResourceDefinition' ? '.fuzz.example.org' : '');

/** Follows the schema, and so is mostly refused for what schemas cannot say. Nothing that it makes runs a guest. */
export function objectFrom(random: Random, kind: FuzzKind): Record<string, unknown> {
  const made = kind.valid && random.chance(0.8) ? structuredClone(kind.valid) : valueOf(random, kind.schema, 0);
  const object = made as Record<string, unknown> & { spec?: Record<string, unknown> };
  if (kind.kind === 'VirtualMachine' && object.spec) {
    delete object.spec['running'];
    object.spec['runStrategy'] = 'Halted';
  }
  return { ...object, apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: nameOf(random, kind), labels: { fuzz: 'a' } } };
}

const spoiled: readonly unknown[] = [null, true, -1, 1e308, 2 ** 53, '', '\u0000', 'x'.repeat(5000), [], {}, [null], [[[]]], { a: { b: [] } }, '__proto__', '1e999', '-1Gi'];

/** Puts something else in a few places of it. */
export function mutate(random: Random, value: unknown): unknown {
  if (random.chance(0.12) || typeof value !== 'object' || value === null) return random.pick(spoiled);
  if (Array.isArray(value)) {
    const at = random.below(value.length + 1);
    return random.chance(0.2) ? [...(value as unknown[]), ...(value as unknown[])] : (value as unknown[]).map((item, index) => (index === at ? mutate(random, item) : item));
  }
  const names = Object.keys(value);
  if (names.length === 0 || random.chance(0.1)) return { ...value, [random.pick(['x', 'constructor', 'toString', '', 'a.b/c'])]: random.pick(spoiled) };
  const name = random.pick(names);
  return { ...value, [name]: mutate(random, (value as Record<string, unknown>)[name]) };
}

/** A patch against an object that is there, of the type that is named with it. */
export function patchOf(random: Random, kind: FuzzKind): { type: string; patch: unknown } {
  const object = mutate(random, objectFrom(random, kind));
  switch (random.below(4)) {
    case 0: {
      const steps = Array.from({ length: 1 + random.below(4) }, () => ({
        op: random.pick(['add', 'remove', 'replace', 'move', 'copy', 'test']),
        path: random.pick(['/spec', '/data/a', '/metadata/labels', '/metadata/labels/x', '/metadata/finalizers/-', '/spec/template/spec/volumes/0', '', '/status', '/metadata/ownerReferences/-']),
        from: random.pick(['/spec', '/metadata', '']),
        value: random.pick(spoiled),
      }));
      return { type: 'application/json-patch+json', patch: steps };
    }
    case 1:
      return { type: 'application/merge-patch+json', patch: object };
    case 2:
      return { type: 'application/strategic-merge-patch+json', patch: typeof object === 'object' ? { ...object, $patch: random.pick(['replace', 'delete', 'merge', 'x']), [`$deleteFromPrimitiveList/${random.pick(['finalizers', 'x'])}`]: random.pick(spoiled) } : object };
    default:
      return { type: 'application/apply-patch+yaml', patch: object };
  }
}
