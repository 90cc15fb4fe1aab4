/** Which of the representations that a client accepts it gets: the first that the engine has. */
import { ApiError } from '../errors.ts';

export type Representation = 'object' | 'table' | 'metadata';

export interface Accepted {
  representation: Representation;
}

interface Clause {
  type: string;
  parameters: Map<string, string>;
}

const clausesOf = (accept: string): Clause[] =>
  accept.split(',').map((clause) => {
    const [type = '', ...parameters] = clause.split(';').map((part) => part.trim());
    const pairs = parameters.map((text): [string, string] => [text.split('=')[0] ?? '', text.split('=')[1] ?? '']);
    return { type: type.toLowerCase(), parameters: new Map(pairs) };
  });

const isJson = (type: string): boolean => ['application/json', 'application/*', '*/*', ''].includes(type);
const isYaml = (type: string): boolean => type === 'application/yaml';
const isServed = (type: string): boolean => isJson(type) || isYaml(type);

/** Whether YAML comes first among what is accepted and can be had. */
export const prefersYaml = (accept: string | undefined): boolean =>
  isYaml(clausesOf(accept ?? '*/*').find(({ type }) => isServed(type))?.type ?? '');

/** @throws ApiError 406 when nothing that the engine has is accepted */
export function negotiate(accept: string | undefined): Accepted {
  for (const { type, parameters } of clausesOf(accept ?? '*/*')) {
    if (!isServed(type)) continue;
    const as = parameters.get('as');
    if (as === undefined) return { representation: 'object' };
    if (parameters.get('g') !== 'meta.k8s.io' || parameters.get('v') !== 'v1') continue;
    if (as === 'Table') return { representation: 'table' };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
      return { representation: 'metadata' };
    }
  }
  throw notAcceptable('application/json, application/yaml');
}

/** Whether the client prefers groups, versions and kinds in one document; and the version of that it takes. */
export function aggregatedDiscovery(accept: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters } of clausesOf(accept ?? '*/*')) {
    if (!isServed(type)) continue;
    if (parameters.get('as') === undefined) return undefined;
    const version = parameters.get('v');
    const asked = parameters.get('g') === 'apidiscovery.k8s.io' && parameters.get('as') === 'APIGroupDiscoveryList';
    if (asked && (version === 'v2' || version === 'v2beta1')) return version;
  }
  throw notAcceptable('application/json, application/yaml');
}

/** @throws ApiError 406 for clients that take protobuf alone (they then ask for another document, or do without) */
export function requireJson(accept: string | undefined): void {
  if (!clausesOf(accept ?? '*/*').some(({ type }) => isServed(type))) throw notAcceptable('application/json, application/yaml');
}

const notAcceptable = (types: string): ApiError =>
  new ApiError(406, 'NotAcceptable', `only the following media types are accepted: ${types}`);
