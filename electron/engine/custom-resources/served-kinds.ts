/** Makes of a CustomResourceDefinition the kinds that the API serves: one for each version. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { Admission, AnyDefinition, CustomSchema } from '../api/definition.ts';
import { ApiError, invalid } from '../api/errors.ts';
import type { Json } from '../api/http/json.ts';
import { any, object } from '../api/schema.ts';
import { checkKind, type Findings } from '../api/schema-checks/validate.ts';
import { columnsOf } from './columns.ts';
import type { CustomResourceDefinition, CustomVersion } from './definition.ts';
import type * as ruleParts from './rules/parts.ts';
import type { JsonSchema } from './schema/json-schema.ts';
import { dropNulls, fillDefaults, prune } from './schema/prune.ts';
import { shapeOfJsonSchema } from './schema/shape.ts';
import { checkValue } from './schema/values.ts';

/** Metadata is the same for every kind, and judged by the engine's own schema; what else is in the object is left to ours. */
const frame = object({});

type Rules = typeof ruleParts;

/**
 * @param isTerminating whether the definition is on its way out
 * @param rules what runs rules in CEL; needed where the definition has any
 */
export function kindsOf(crd: CustomResourceDefinition, isTerminating: () => boolean, rules?: Rules): AnyDefinition[] {
  return crd.spec.versions.filter(({ served }) => served).map((version) => kindOf(crd, version, isTerminating, rules));
}

function kindOf(crd: CustomResourceDefinition, version: CustomVersion, isTerminating: () => boolean, rules: Rules | undefined): AnyDefinition {
  const { group, names, scope } = crd.spec;
  const { plural, singular = names.kind.toLowerCase(), kind, shortNames, categories } = crd.status?.acceptedNames?.plural ? crd.status.acceptedNames : names;
  const schema = version.schema?.openAPIV3Schema ?? {};
  const { status, scale } = version.subresources ?? {};
  const ruled = rules?.compileRules(schema, '').root;
  const columns = columnsOf(version);
  const deprecation = version.deprecated === true ? (version.deprecationWarning ?? `${group}/${version.name} ${kind} is deprecated`) : undefined;
  return {
    ...{ group, version: version.name, kind, plural, singular },
    ...(shortNames ? { shortNames } : {}),
    ...(categories ? { categories } : {}),
    namespaced: scope === 'Namespaced',
    statusSubresource: status !== undefined,
    added: true,
    schema: object({ spec: any(), status: any() }),
    custom: customSchema(schema),
    ...(columns ? { columns } : {}),
    ...(scale ? { scale } : {}),
    admit: (admission: Admission<KubeObject>) => {
      if (admission.operation === 'create' && isTerminating()) {
        throw new ApiError(405, 'MethodNotAllowed', 'create not allowed while custom resource definition is terminating');
      }
      if (deprecation !== undefined) admission.warn(deprecation);
      const { object: next, old } = admission;
      const broken = rules && ruled ? rules.runRules(ruled, next as unknown as Json, old as unknown as Json | undefined) : [];
      if (broken.length > 0) throw invalid({ group, kind, plural }, next.metadata.name ?? '', broken);
    },
  };
}

function customSchema(schema: JsonSchema): CustomSchema {
  return {
    check: (object, { partial }) => check(schema, object, partial),
    openApi: schema as Record<string, unknown>,
    shape: shapeOfJsonSchema(schema),
    show: (object) => {
      const value = object as unknown as Json;
      prune(value, schema, true, '', []);
      dropNulls(value, schema, false);
      fillDefaults(value, schema);
    },
  };
}

/** What is applied in part is judged again when it is whole; it must not be given defaults, which would be the applier's. */
function check(schema: JsonSchema, object: KubeObject, partial: boolean): Findings {
  const { metadata } = checkMetadata(object);
  const value = object as unknown as Json;
  const unknown: string[] = [];
  prune(value, schema, true, '', unknown);
  dropNulls(value, schema, partial);
  if (!partial) fillDefaults(value, schema);
  const causes = partial ? [] : checkValue(value, schema, '');
  return { unknown: [...metadata.unknown, ...unknown], causes: [...metadata.causes, ...causes] };
}

function checkMetadata(object: KubeObject): { metadata: Findings } {
  const { apiVersion, kind, metadata } = object;
  return { metadata: checkKind({ schema: frame }, { apiVersion, kind, metadata }) };
}
