/** The paths of a kind and what can be asked there; kubectl looks here for the parameters that it may use. */
import { takesStrategicPatches, type AnyDefinition } from '../definition.ts';

type Version = 'v2' | 'v3';

const jsonType = 'application/json';
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];
const strategicType = 'application/strategic-merge-patch+json';

const readParameters = ['pretty'];
const listParameters = [
  ...['labelSelector', 'fieldSelector', 'limit', 'continue', 'resourceVersion', 'resourceVersionMatch'],
  ...['watch', 'allowWatchBookmarks', 'sendInitialEvents', 'timeoutSeconds'],
];
const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation'];
const patchParameters = [...writeParameters, 'force'];
const deleteParameters = ['dryRun', 'gracePeriodSeconds', 'propagationPolicy', 'orphanDependents'];

/**
 * @param root `/api/v1`, `/apis/kubevirt.io/v1`
 * @param component name of the kind's schema
 */
export function pathItemsOf(definition: AnyDefinition, root: string, component: string, version: Version): Record<string, unknown> {
  const { group, kind, namespaced, plural } = definition;
  const scope = namespaced ? '/namespaces/{namespace}' : '';
  const list = `${root}${scope}/${plural}`;
  const operation = (action: string, query: readonly string[], bodyTypes: readonly string[] = []): unknown => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version: definition.version, kind },
    ...contentOf(version, component, query, bodyTypes),
  });
  const parameters = [...(namespaced ? [pathParameter('namespace', version)] : [])];
  const create = operation('post', writeParameters, [jsonType]);
  if (definition.answer) return { [list]: { post: create, parameters } };
  if (definition.compute) {
    const read = operation('list', listParameters);
    return {
      ...(namespaced ? { [`${root}/${plural}`]: { get: read } } : {}),
      [list]: { get: read, parameters },
      [`${list}/{name}`]: { get: operation('get', readParameters), parameters: [pathParameter('name', version), ...parameters] },
    };
  }
  const patches = takesStrategicPatches(definition) ? [...patchTypes, strategicType] : patchTypes;
  const everywhere = namespaced ? { [`${root}/${plural}`]: { get: operation('list', listParameters) } } : {};
  return {
    ...everywhere,
    [list]: {
      get: operation('list', listParameters),
      post: create,
      delete: operation('deletecollection', [...listParameters, ...deleteParameters]),
      parameters,
    },
    [`${list}/{name}`]: {
      get: operation('get', readParameters),
      put: operation('put', writeParameters, [jsonType]),
      patch: operation('patch', patchParameters, patches),
      delete: operation('delete', deleteParameters),
      parameters: [pathParameter('name', version), ...parameters],
    },
  };
}

function contentOf(version: Version, component: string, query: readonly string[], bodyTypes: readonly string[]): object {
  const parameters = query.map((name) => queryParameter(name, version));
  if (version === 'v2') {
    const schema = { $ref: `#/definitions/${component}` };
    const body = { name: 'body', in: 'body', required: true, schema };
    return {
      parameters: bodyTypes.length > 0 ? [body, ...parameters] : parameters,
      ...(bodyTypes.length > 0 ? { consumes: bodyTypes } : {}),
      produces: [jsonType],
      responses: { 200: { description: 'OK', schema } },
    };
  }
  const schema = { $ref: `#/components/schemas/${component}` };
  const content = Object.fromEntries(bodyTypes.map((type) => [type, { schema: type === jsonType ? schema : {} }]));
  return {
    parameters,
    ...(bodyTypes.length > 0 ? { requestBody: { content, required: true } } : {}),
    responses: { 200: { description: 'OK', content: { [jsonType]: { schema } } } },
  };
}

const queryParameter = (name: string, version: Version): unknown =>
  version === 'v2' ? { name, in: 'query', type: 'string' } : { name, in: 'query', schema: { type: 'string' } };

const pathParameter = (name: string, version: Version): unknown =>
  version === 'v2'
    ? { name, in: 'path', required: true, type: 'string' }
    : { name, in: 'path', required: true, schema: { type: 'string' } };
