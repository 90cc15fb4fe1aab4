/**
 * `/openapi/v3` (an index, and a document for each group and version) and `/openapi/v2` (all in one, for older
 * clients). Made when they are asked for: nobody asks often, and they are large.
 */
import { createHash } from 'node:crypto';
import { apiVersionOf, type AnyDefinition } from '../definition.ts';
import type { Answer } from '../http/respond.ts';
import { metadataSchema } from '../schema-checks/metadata-schema.ts';
import { pathItemsOf } from './path-items.ts';
import { openApiProtobuf, openApiProtobufType } from './protobuf-document.ts';
import { openApiSchema, withoutVersion3 } from './schema-document.ts';

const version2References = '#/definitions/';
const metadataName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

export class OpenApi {
  readonly #definitions: readonly AnyDefinition[];
  readonly #info: { title: string; version: string };
  readonly #hashes = new Map<string, string>();

  constructor(definitions: readonly AnyDefinition[], version: string) {
    this.#definitions = definitions;
    this.#info = { title: 'Hayloft', version };
  }

  /** `GET /openapi/v3`. The hashes let clients keep the documents. */
  index(): Answer {
    const paths = [...new Set(this.#definitions.map(pathOf))];
    const entries = paths.map((path) => {
      const hash = this.#hashes.get(path) ?? hashOf(this.#document(path) ?? '');
      this.#hashes.set(path, hash);
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
    });
    return { status: 200, body: { paths: Object.fromEntries(entries) as unknown } };
  }

  /**
   * `GET /openapi/v3/{path}`
   * @param path `api/v1`, `apis/kubevirt.io/v1`
   * @param hash as the index gave it: then the answer may be kept for good
   * @returns undefined when nothing is served there
   */
  document(path: string, hash: string | null): Answer | undefined {
    const text = this.#document(path);
    if (text === undefined) return undefined;
    const keep = hash !== null && hash === hashOf(text);
    const headers = keep ? { 'cache-control': 'public, immutable, max-age=31536000' } : undefined;
    return { status: 200, body: Buffer.from(text), contentType: 'application/json', ...(headers ? { headers } : {}) };
  }

  /** `GET /openapi/v2` */
  version2(asProtobuf: boolean): Answer {
    if (asProtobuf) {
      const bytes = openApiProtobuf(this.#definitions, this.#info, componentName);
      return { status: 200, body: bytes, contentType: openApiProtobufType };
    }
    const body = {
      swagger: '2.0',
      info: this.#info,
      paths: pathItems(this.#definitions, 'v2'),
      definitions: components(this.#definitions, version2References),
    };
    return { status: 200, body };
  }

  #document(path: string): string | undefined {
    const own = this.#definitions.filter((definition) => pathOf(definition) === path);
    if (own.length === 0) return undefined;
    return JSON.stringify({
      openapi: '3.0.0',
      info: this.#info,
      paths: pathItems(own, 'v3'),
      components: { schemas: components(own, '#/components/schemas/') },
    });
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').toUpperCase();

const pathOf = (definition: AnyDefinition): string =>
  `${definition.group === '' ? 'api' : 'apis'}/${apiVersionOf(definition)}`;

const pathItems = (definitions: readonly AnyDefinition[], version: 'v2' | 'v3'): unknown =>
  Object.assign({}, ...definitions.map((definition) => pathItemsOf(definition, `/${pathOf(definition)}`, componentName(definition), version)));

function components(definitions: readonly AnyDefinition[], references: string): Record<string, unknown> {
  const own = definitions.map((definition) => [componentName(definition), componentOf(definition, references)]);
  return { ...Object.fromEntries(own), [metadataName]: openApiSchema(metadataSchema) } as Record<string, unknown>;
}

function componentName({ group, version, kind }: AnyDefinition): string {
  const reversed = group === '' ? 'io.k8s.api.core' : group.split('.').reverse().join('.');
  return `${reversed}.${version}.${kind}`;
}

function componentOf(definition: AnyDefinition, references: string): unknown {
  const { group, version, kind, custom } = definition;
  const shape = custom ? (references === version2References ? withoutVersion3(custom.openApi) : custom.openApi) : openApiSchema(definition.schema);
  return {
    ...shape,
    properties: {
      apiVersion: { type: 'string', description: 'The group and version of the kind.' },
      kind: { type: 'string', description: 'What this is.' },
      metadata: { description: 'Name, labels and what else every object has.', allOf: [{ $ref: `${references}${metadataName}` }] },
      ...withoutCommon(shape['properties']),
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  };
}

/** What every object has is told the same everywhere. */
function withoutCommon(properties: unknown): Record<string, unknown> {
  const own = { ...(properties as Record<string, unknown> | undefined) };
  for (const name of ['apiVersion', 'kind', 'metadata']) Reflect.deleteProperty(own, name);
  return own;
}
