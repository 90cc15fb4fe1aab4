/** What an object's metadata may hold. Rules: apimachinery's validation of ObjectMeta. */
import type { KubeObject, ObjectMeta, StatusCause } from '#shared/kube/object.ts';
import type { AnyDefinition } from '../api/definition.ts';
import { invalid } from '../api/errors.ts';
import { isNamespaceKind } from './namespaces.ts';

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const word = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

const annotationBytes = 256 * 1024;
/** Finalizers that need no domain: Kubernetes' own. */
const plainFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes', 'customresourcecleanup.apiextensions.k8s.io']);

/** Kinds that are Kubernetes' own in every cluster: it asks more of their finalizers than of those of added kinds. */
const ownGroups = new Set(['', 'apps', 'rbac.authorization.k8s.io', 'storage.k8s.io', 'coordination.k8s.io', 'events.k8s.io']);

/**
 * @param old its metadata before, if there was any
 * @param warn told what is taken and had better be otherwise
 * @throws ApiError 422 with a cause for each field that is wrong
 */
export function checkMetadata(of: AnyDefinition, object: KubeObject, old?: ObjectMeta, warn?: (text: string) => void): void {
  const { metadata } = object;
  const causes = [
    ...checkName(of, metadata),
    ...checkNamespace(of, metadata),
    ...checkLabels(metadata),
    ...checkAnnotations(metadata),
    ...checkFinalizers(of, metadata),
    ...checkOwners(metadata),
  ];
  if (causes.length > 0) throw invalid(of, metadata.name ?? '', causes);
  for (const name of metadata.finalizers ?? []) {
    if (!isPlain(name) || old?.finalizers?.includes(name) === true) continue;
    warn?.(`metadata.finalizers: ${JSON.stringify(name)}: prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with other finalizer writers`);
  }
}

const isPlain = (finalizer: string): boolean => !finalizer.includes('/') && !plainFinalizers.has(finalizer);

const wrong = (field: string, value: unknown, message: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${message}`,
});
const missing = (field: string, message: string): StatusCause => ({
  reason: 'FieldValueRequired',
  field,
  message: `Required value: ${message}`,
});

function checkName(of: AnyDefinition, { name }: ObjectMeta): StatusCause[] {
  if (name === undefined || name === '') return [missing('metadata.name', 'name or generateName is required')];
  if (isNamespaceKind(of)) {
    if (name.length > 63) return [wrong('metadata.name', name, 'must be no more than 63 characters')];
    if (!label.test(name)) {
      return [wrong('metadata.name', name, "must be a RFC 1123 label: lower-case letters, digits and '-', a letter or digit at both ends")];
    }
    return [];
  }
  if (name.length > 253) return [wrong('metadata.name', name, 'must be no more than 253 characters')];
  if (of.group === 'rbac.authorization.k8s.io') {
    // Roles may be called whatever fits into a path: `system:discovery`.
    if (name !== '.' && name !== '..' && !/[/%]/.test(name)) return [];
    return [wrong('metadata.name', name, "may not be '.' or '..', nor contain '/' or '%'")];
  }
  if (!subdomain.test(name)) {
    return [
      wrong('metadata.name', name, "must be a RFC 1123 subdomain: lower-case letters, digits, '-' and '.', a letter or digit at both ends"),
    ];
  }
  return [];
}

function checkNamespace(of: AnyDefinition, { namespace }: ObjectMeta): StatusCause[] {
  if (of.namespaced) return namespace ? [] : [missing('metadata.namespace', 'this kind lives in a namespace')];
  if (namespace === undefined) return [];
  return [{ reason: 'FieldValueForbidden', field: 'metadata.namespace', message: 'Forbidden: not allowed on this type' }];
}

function checkLabels({ labels }: ObjectMeta): StatusCause[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => {
    const causes = checkQualified('metadata.labels', key);
    if (typeof value !== 'string' || value.length > 63 || (value !== '' && !word.test(value))) {
      const rule = "must be at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends";
      causes.push(wrong('metadata.labels', value, rule));
    }
    return causes;
  });
}

function checkAnnotations({ annotations }: ObjectMeta): StatusCause[] {
  const entries = Object.entries(annotations ?? {});
  const causes = entries.flatMap(([key, value]) => {
    if (typeof value !== 'string') return [wrong(`metadata.annotations[${key}]`, value, 'must be a text')];
    return checkQualified('metadata.annotations', key);
  });
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(JSON.stringify(value)), 0);
  if (size > annotationBytes) {
    causes.push({
      reason: 'FieldValueTooLong',
      field: 'metadata.annotations',
      message: `Too long: may not be more than ${annotationBytes} bytes`,
    });
  }
  return causes;
}

function checkFinalizers({ group }: AnyDefinition, { finalizers = [] }: ObjectMeta): StatusCause[] {
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    return [wrong('metadata.finalizers', finalizers, 'finalizer "orphan" and "foregroundDeletion" cannot be both set')];
  }
  return finalizers.flatMap((name) => {
    if (typeof name !== 'string') return [wrong('metadata.finalizers', name, 'must be a text')];
    if (isPlain(name) && ownGroups.has(group)) {
      return [wrong('metadata.finalizers', name, 'name is neither a standard finalizer name nor is it fully qualified')];
    }
    return checkQualified('metadata.finalizers', name);
  });
}

function checkOwners({ ownerReferences }: ObjectMeta): StatusCause[] {
  const owners = ownerReferences ?? [];
  const causes = owners.flatMap((owner, index) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((field) => !owner[field])
      .map((field) => missing(`metadata.ownerReferences[${index}].${field}`, 'must not be empty')),
  );
  if (owners.filter((owner) => owner.controller === true).length > 1) {
    causes.push(wrong('metadata.ownerReferences', owners, 'only one owner may have controller set to true'));
  }
  return causes;
}

/** A key like `app` or `example.com/app`. */
function checkQualified(field: string, key: string): StatusCause[] {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (prefix !== undefined && (prefix.length > 253 || !subdomain.test(prefix.toLowerCase()))) {
    return [wrong(field, key, 'what stands before the slash must be a RFC 1123 subdomain')];
  }
  if (name.length > 63 || !word.test(name)) {
    const rule = "must be an optional domain and a slash, then at most 63 letters, digits, '-', '_' and '.'";
    return [wrong(field, key, rule)];
  }
  return [];
}
