/** `/openapi/v3`: an index, and a document for each group and version, made when it is first asked for. */
import type { AnyDefinition } from '../definition.ts';
import { metadataSchema } from '../schema-checks/metadata-schema.ts';
import { openApiSchema } from './schema-document.ts';

const metadataName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const info = { title: 'Hayloft', version: 'v1' };

const pathOf = ({ group, version }: AnyDefinition): string => (group === '' ? `api/${version}` : `apis/${group}/${version}`);

/** `GET /openapi/v3` */
export function openApiIndex(definitions: readonly AnyDefinition[]): unknown {
  const paths = new Set(definitions.map(pathOf));
  return { paths: Object.fromEntries([...paths].map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}` }])) };
}

/**
 * `GET /openapi/v3/{path}`
 * @param path `api/v1`, `apis/kubevirt.io/v1`
 * @returns undefined when nothing is served there
 */
export function openApiDocument(definitions: readonly AnyDefinition[], path: string): unknown {
  const own = definitions.filter((definition) => pathOf(definition) === path);
  if (own.length === 0) return undefined;
  const schemas = Object.fromEntries(own.map((definition) => [componentName(definition), componentOf(definition)]));
  return {
    openapi: '3.0.0',
    info,
    paths: Object.assign({}, ...own.map(pathsOf)) as unknown,
    components: { schemas: { ...schemas, [metadataName]: openApiSchema(metadataSchema) } },
  };
}

/** `GET /openapi/v2`: enough for clients that insist on it; all that it could say is in version 3. */
export function openApiV2(): unknown {
  return { swagger: '2.0', info, paths: {}, definitions: {} };
}

function componentName({ group, version, kind }: AnyDefinition): string {
  const reversed = group === '' ? 'io.k8s.api.core' : group.split('.').reverse().join('.');
  return `${reversed}.${version}.${kind}`;
}

const gvkOf = ({ group, version, kind }: AnyDefinition): Record<string, string> => ({ group, version, kind });

function componentOf(definition: AnyDefinition): unknown {
  const shape = openApiSchema(definition.schema);
  return {
    ...shape,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { allOf: [{ $ref: `#/components/schemas/${metadataName}` }] },
      ...(shape['properties'] as object),
    },
    'x-kubernetes-group-version-kind': [gvkOf(definition)],
  };
}

const parameter = (name: string): unknown => ({ name, in: 'query', schema: { type: 'string' } });

function pathsOf(definition: AnyDefinition): Record<string, unknown> {
  const scope = definition.namespaced ? '/namespaces/{namespace}' : '';
  const list = `/${pathOf(definition)}${scope}/${definition.plural}`;
  const schema = { $ref: `#/components/schemas/${componentName(definition)}` };
  const operation = (action: string, writes: boolean): unknown => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvkOf(definition),
    parameters: writes ? ['dryRun', 'fieldManager', 'fieldValidation'].map(parameter) : [],
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
    ...(writes ? { requestBody: { content: { 'application/json': { schema } } } } : {}),
  });
  if (definition.answer) return { [list]: { post: operation('post', true) } };
  return {
    [list]: { get: operation('list', false), post: operation('post', true) },
    [`${list}/{name}`]: {
      get: operation('get', false),
      put: operation('put', true),
      patch: operation('patch', true),
      delete: operation('delete', false),
    },
  };
}
