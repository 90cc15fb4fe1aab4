/** Checks a CustomResourceDefinition as Kubernetes does, and settles its status. */
import type { StatusCause } from '#shared/kube/object.ts';
import type { Admission, AnyDefinition } from '../api/definition.ts';
import { invalid } from '../api/errors.ts';
import { customResourceDefinitions, isEstablished, type CustomResourceDefinition, type CustomVersion } from './definition.ts';
import { jsonPath } from './json-path.ts';
import { settleStatus, takenNames } from './names.ts';
import type * as ruleParts from './rules/parts.ts';
import { checkStructural } from './schema/structural.ts';

/** Holds a definition until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

export interface Surroundings {
  others: readonly CustomResourceDefinition[];
  /** Kinds that the engine brings itself. */
  served: readonly AnyDefinition[];
  /** What reads rules in CEL; loaded with the first definition that has any. */
  rules: Pick<typeof ruleParts, 'compileRules'> | undefined;
}

const wrong = (field: string, value: unknown, text: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${text}` });
const required = (field: string, text: string): StatusCause => ({ reason: 'FieldValueRequired', field, message: `Required value${text === '' ? '' : `: ${text}`}` });
const forbidden = (field: string, text: string): StatusCause => ({ reason: 'FieldValueForbidden', field, message: `Forbidden: ${text}` });

const label = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/;
const approval = 'api-approved.kubernetes.io';

/** @throws ApiError 422 */
export function admitDefinition(admission: Admission<CustomResourceDefinition>, around: Surroundings): void {
  const { operation, object: crd, old } = admission;
  const { spec, metadata } = crd;
  const { names } = spec;
  names.singular ??= names.kind.toLowerCase();
  names.listKind ??= `${names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  const others = around.others.filter((other) => other.metadata.name !== metadata.name);
  const causes = [
    ...checkNames(crd),
    ...checkGroup(crd, around.served),
    ...checkConversion(crd, (text) => admission.warn(text)),
    ...checkVersions(crd),
    ...(old ? checkChange(crd, old) : []),
  ];
  if (causes.length === 0 && around.rules) {
    const { compileRules } = around.rules;
    causes.push(...spec.versions.flatMap(({ schema }, at) => compileRules(schema?.openAPIV3Schema ?? {}, `spec.versions[${at}].schema.openAPIV3Schema`).causes));
  }
  if (causes.length > 0) throw invalid(customResourceDefinitions, metadata.name ?? '', causes);
  if (operation === 'create') metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), cleanupFinalizer])];
  settleStatus(crd, old, takenNames(spec.group, others, around.served));
}

function checkNames({ metadata, spec: { names, group } }: CustomResourceDefinition): StatusCause[] {
  const causes: StatusCause[] = [];
  const wanted = `${names.plural}.${group}`;
  if (metadata.name !== wanted) causes.push(wrong('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group'));
  const words = { plural: names.plural, singular: names.singular ?? '', kind: names.kind.toLowerCase(), listKind: (names.listKind ?? '').toLowerCase() };
  for (const [field, word] of Object.entries(words)) {
    if (!label.test(word)) causes.push(wrong(`spec.names.${field}`, word, 'must be a DNS-1035 label: lower-case letters, digits and -, a letter first, at most 63'));
  }
  for (const field of ['shortNames', 'categories'] as const) {
    names[field]?.forEach((word, at) => {
      if (!label.test(word)) causes.push(wrong(`spec.names.${field}[${at}]`, word, 'must be a DNS-1035 label'));
    });
  }
  if (names.kind !== '' && names.kind === names.listKind) causes.push(wrong('spec.names.listKind', names.listKind, 'kind and listKind may not be the same'));
  return causes;
}

function checkGroup({ metadata, spec: { group, names } }: CustomResourceDefinition, served: readonly AnyDefinition[]): StatusCause[] {
  if (!subdomain.test(group)) return [wrong('spec.group', group, 'should be a domain with at least one dot')];
  const isProtected = group.endsWith('.k8s.io') || group.endsWith('.kubernetes.io');
  const approved = metadata.annotations?.[approval];
  if (isProtected && approved === undefined) {
    return [required(`metadata.annotations[${approval}]`, 'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111')];
  }
  if (!served.some((of) => of.group === group && of.plural === names.plural)) return [];
  return [forbidden('spec.names.plural', `the engine serves ${names.plural}.${group} itself, with all that belongs to it; to install another one, use an engine that was started with --api-only`)];
}

function checkConversion({ spec }: CustomResourceDefinition, warn: (text: string) => void): StatusCause[] {
  const causes = spec.preserveUnknownFields === true ? [wrong('spec.preserveUnknownFields', true, 'must be false, or set x-kubernetes-preserve-unknown-fields: true in the schema')] : [];
  if (spec.conversion?.strategy !== 'Webhook') return causes;
  if (spec.versions.filter(({ served }) => served).length > 1) {
    return [...causes, forbidden('spec.conversion.strategy', 'nothing is called to convert between versions here: use None, or serve one version')];
  }
  warn('spec.conversion.webhook is not called: one version is served, and it is shown as it is stored');
  return causes;
}

function checkVersions({ spec: { versions } }: CustomResourceDefinition): StatusCause[] {
  const causes = versions.flatMap((version, at) => checkVersion(version, `spec.versions[${at}]`));
  const doubled = versions.find(({ name }, at) => versions.findIndex((other) => other.name === name) !== at);
  if (doubled) causes.push(wrong('spec.versions', doubled.name, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1) causes.push(wrong('spec.versions', versions.map(({ name }) => name), 'must have exactly one version marked as storage version'));
  return causes;
}

function checkVersion(version: CustomVersion, path: string): StatusCause[] {
  const causes = label.test(version.name) ? [] : [wrong(`${path}.name`, version.name, 'must be a DNS-1035 label')];
  const schema = version.schema?.openAPIV3Schema;
  if (!schema) causes.push(required(`${path}.schema.openAPIV3Schema`, 'schemas are required'));
  else causes.push(...checkStructural(schema, `${path}.schema.openAPIV3Schema`));
  if (version.deprecationWarning !== undefined && version.deprecated !== true) {
    causes.push(wrong(`${path}.deprecationWarning`, version.deprecationWarning, 'can only be set for deprecated versions'));
  }
  const scale = Object.entries(version.subresources?.scale ?? {}).map(([name, text]) => [`${path}.subresources.scale.${name}`, text as string] as const);
  const columns = (version.additionalPrinterColumns ?? []).map((column, at) => [`${path}.additionalPrinterColumns[${at}].jsonPath`, column.jsonPath] as const);
  const fields = (version.selectableFields ?? []).map((field, at) => [`${path}.selectableFields[${at}].jsonPath`, field.jsonPath] as const);
  return [...causes, ...[...scale, ...columns, ...fields].flatMap(([field, text]) => checkPath(field, text))];
}

function checkPath(field: string, text: string): StatusCause[] {
  if (!text.startsWith('.')) return [wrong(field, text, 'must be a simple json path starting with .')];
  try {
    jsonPath(text);
    return [];
  } catch (error) {
    return [wrong(field, text, `is no JSON path: ${error instanceof Error ? error.message : String(error)}`)];
  }
}

function checkChange({ spec }: CustomResourceDefinition, old: CustomResourceDefinition): StatusCause[] {
  const causes: StatusCause[] = [];
  const fixed = { 'spec.group': [spec.group, old.spec.group], 'spec.names.plural': [spec.names.plural, old.spec.names.plural] };
  const ofEstablished = { 'spec.scope': [spec.scope, old.spec.scope], 'spec.names.kind': [spec.names.kind, old.spec.names.kind] };
  for (const [field, [now, before]] of Object.entries(isEstablished(old) ? { ...fixed, ...ofEstablished } : fixed)) {
    if (now !== before) causes.push(wrong(field, now, 'field is immutable'));
  }
  (old.status?.storedVersions ?? []).forEach((name, at) => {
    if (!spec.versions.some((version) => version.name === name)) causes.push(wrong(`status.storedVersions[${at}]`, name, 'missing from spec.versions; storage migration is needed'));
  });
  return causes;
}
