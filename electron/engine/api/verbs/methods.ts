/** Which methods a path takes. */
import type { AnyDefinition } from '../definition.ts';
import type { Target } from '../http/target.ts';

const toRead = ['GET', 'HEAD'];
const ofOne = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'];
const ofCollections = ['GET', 'HEAD', 'POST', 'DELETE'];
const ofParts = ['GET', 'HEAD', 'PUT', 'PATCH'];

/** @returns undefined when there is nothing at the path */
export function methodsOf(definition: AnyDefinition, { namespace, name, subresource }: Target): readonly string[] | undefined {
  if (definition.answer) return name === undefined && (definition.namespaced || namespace === undefined) ? ['POST'] : undefined;
  if (!definition.namespaced && namespace !== undefined) return undefined;
  if (definition.compute) return subresource === undefined && (name === undefined || namespace !== undefined || !definition.namespaced) ? toRead : undefined;
  // All namespaces together can be read; what is written lives in one.
  if (definition.namespaced && namespace === undefined) return name === undefined ? ['GET', 'HEAD'] : undefined;
  if (subresource === undefined) return name === undefined ? ofCollections : ofOne;
  const served = (subresource === 'status' && definition.statusSubresource) || (subresource === 'scale' && definition.scale !== undefined);
  return served ? ofParts : undefined;
}
