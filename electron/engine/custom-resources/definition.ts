/** CustomResourceDefinitions (apiextensions.k8s.io/v1): how kinds are told to the engine while it runs. */
import type { Condition, KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition, ScalePaths } from '../api/definition.ts';
import { shapeOfSchema } from '../api/ownership/shape.ts';
import { any, array, boolean, integer, number, object, string, type ObjectSchema, type Schema } from '../api/schema.ts';
import { checkKind } from '../api/schema-checks/validate.ts';
import { openApiSchema } from '../api/openapi/schema-document.ts';
import type { JsonSchema } from './schema/json-schema.ts';

export interface CustomNames {
  plural: string;
  singular?: string;
  kind: string;
  listKind?: string;
  shortNames?: string[];
  categories?: string[];
}

export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  format?: string;
  description?: string;
  priority?: number;
  jsonPath: string;
}

export interface CustomVersion {
  name: string;
  served: boolean;
  storage: boolean;
  deprecated?: boolean;
  deprecationWarning?: string;
  schema?: { openAPIV3Schema?: JsonSchema };
  subresources?: { status?: object; scale?: ScalePaths };
  additionalPrinterColumns?: PrinterColumn[];
  selectableFields?: { jsonPath: string }[];
}

export interface CustomResourceDefinition extends KubeObject {
  spec: {
    group: string;
    scope: 'Namespaced' | 'Cluster';
    names: CustomNames;
    versions: CustomVersion[];
    conversion?: { strategy: 'None' | 'Webhook'; webhook?: unknown };
    preserveUnknownFields?: boolean;
  };
  status?: { conditions?: Condition[]; acceptedNames?: CustomNames; storedVersions?: string[] };
}

const names = object(
  { plural: string(), singular: string(), kind: string(), listKind: string(), shortNames: array(string()), categories: array(string()) },
  { required: ['plural', 'kind'] },
);
const column = object(
  {
    name: string(),
    type: string({ enum: ['string', 'integer', 'number', 'boolean', 'date'] }),
    format: string(),
    description: string(),
    priority: integer(),
    jsonPath: string({ description: 'Where the cell stands in the object: .spec.replicas' }),
  },
  { required: ['name', 'type', 'jsonPath'] },
);
const scale = object({ specReplicasPath: string(), statusReplicasPath: string(), labelSelectorPath: string() }, { required: ['specReplicasPath', 'statusReplicasPath'] });

const version = (schema: Schema): ObjectSchema =>
  object(
    {
      name: string({ description: 'v1, v1beta1' }),
      served: boolean({ description: 'Whether it can be asked for.' }),
      storage: boolean({ description: 'Whether objects are kept in it. One version is.' }),
      deprecated: boolean(),
      deprecationWarning: string(),
      schema: object({ openAPIV3Schema: schema }, { description: 'What an object of this version holds.' }),
      subresources: object({ status: object({}), scale }, { description: 'What of an object is written on its own.' }),
      additionalPrinterColumns: array(column, { description: 'What kubectl get shows.' }),
      selectableFields: array(object({ jsonPath: string() }, { required: ['jsonPath'] })),
    },
    { required: ['name', 'served', 'storage'] },
  );

const whole = (schema: Schema): ObjectSchema =>
  object(
    {
      spec: object(
        {
          group: string(),
          scope: string({ enum: ['Cluster', 'Namespaced'] }),
          names,
          versions: array(version(schema)),
          conversion: object({ strategy: string({ enum: ['None', 'Webhook'] }), webhook: any() }, { required: ['strategy'] }),
          preserveUnknownFields: boolean(),
        },
        { required: ['group', 'names', 'scope', 'versions'] },
      ),
      status: object({ conditions: array(any()), acceptedNames: names, storedVersions: array(string()) }),
    },
    { required: ['spec'] },
  );

/** The words of a structural schema; it holds itself. */
function schemaOfSchemas(): ObjectSchema {
  const properties: Record<string, Schema> = {};
  const self = object(properties);
  const each = { type: 'map', values: self } as const;
  Object.assign(properties, {
    ...Object.fromEntries(['id', '$schema', '$ref', 'title', 'description', 'type', 'format', 'pattern'].map((name) => [name, string()])),
    ...Object.fromEntries(['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'].map((name) => [name, integer()])),
    ...Object.fromEntries(['minimum', 'maximum', 'multipleOf'].map((name) => [name, number()])),
    ...Object.fromEntries(['nullable', 'exclusiveMinimum', 'exclusiveMaximum', 'uniqueItems'].map((name) => [name, boolean()])),
    ...Object.fromEntries(['allOf', 'anyOf', 'oneOf'].map((name) => [name, array(self)])),
    ...{ properties: each, patternProperties: each, definitions: each, dependencies: any() },
    ...{ items: self, not: self, additionalProperties: any(), additionalItems: any() },
    ...{ default: any(), example: any(), enum: array(any()), required: array(string()), externalDocs: any() },
    'x-kubernetes-preserve-unknown-fields': boolean(),
    'x-kubernetes-embedded-resource': boolean(),
    'x-kubernetes-int-or-string': boolean(),
    'x-kubernetes-list-type': string({ enum: ['atomic', 'set', 'map'] }),
    'x-kubernetes-list-map-keys': array(string()),
    'x-kubernetes-map-type': string({ enum: ['atomic', 'granular'] }),
    'x-kubernetes-validations': array(
      object(
        { rule: string(), message: string(), messageExpression: string(), reason: string(), fieldPath: string(), optionalOldSelf: boolean() },
        { required: ['rule'] },
      ),
    ),
  });
  return self;
}

const schema = whole(schemaOfSchemas());

const conditionOf = ({ status }: CustomResourceDefinition, type: string): string | undefined =>
  status?.conditions?.find((condition) => condition.type === type)?.status;

/** Whether its kind is served. */
export const isEstablished = (crd: CustomResourceDefinition): boolean => conditionOf(crd, 'Established') === 'True';

export const customResourceDefinitions: ResourceDefinition<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  namespaced: false,
  statusSubresource: true,
  schema,
  custom: {
    check: (object) => checkKind({ schema }, object),
    // A schema that holds itself cannot be written out.
    get openApi() {
      return openApiSchema(whole(any({ description: 'A structural schema in the words of OpenAPI v3.' })));
    },
    get shape() {
      return shapeOfSchema(schema);
    },
  },
  // The time itself, as Kubernetes has it here, and not how long ago that was.
  columns: [{ name: 'Created At', type: 'string', format: 'date-time', value: ({ metadata }) => metadata.creationTimestamp }],
};
