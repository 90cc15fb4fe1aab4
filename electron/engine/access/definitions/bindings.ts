/** ClusterRoleBinding and RoleBinding: who has which role. */
import type { KubeObject, StatusCause } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { array, object, string } from '../../api/schema.ts';
import { rbacGroup, roleReference } from './roles.ts';

export interface Subject {
  kind: 'User' | 'Group' | 'ServiceAccount';
  apiGroup?: string;
  name: string;
  namespace?: string;
}

export interface StoredBinding extends KubeObject {
  roleRef: { apiGroup?: string; kind: string; name: string };
  subjects?: Subject[] | null;
}

const subject = object(
  { kind: string({ enum: ['User', 'Group', 'ServiceAccount'] }), apiGroup: string(), name: string(), namespace: string() },
  { required: ['kind', 'name'] },
);

function binding(kind: string, namespaced: boolean): ResourceDefinition<StoredBinding> {
  const definition: ResourceDefinition<StoredBinding> = {
    group: rbacGroup,
    version: 'v1',
    kind,
    plural: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    namespaced,
    statusSubresource: false,
    schema: object({ roleRef: roleReference, subjects: array(subject) }, { required: ['roleRef'] }),
    columns: [
      { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
      { name: 'Role', type: 'string', value: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
      { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
      { name: 'Subjects', type: 'string', priority: 1, value: ({ subjects }) => (subjects ?? []).map(({ name }) => name).join(', ') },
    ],
    admit: ({ object: next, old }) => {
      next.roleRef.apiGroup ??= rbacGroup;
      const causes = checkRole(next, old, namespaced);
      for (const [index, who] of (next.subjects ?? []).entries()) {
        if (who.kind === 'ServiceAccount') {
          if (who.namespace === undefined) causes.push({ reason: 'FieldValueRequired', field: `subjects[${index}].namespace`, message: 'Required value' });
        } else {
          who.apiGroup ??= rbacGroup;
        }
      }
      if (causes.length > 0) throw invalid(definition, next.metadata.name ?? '', causes);
    },
  };
  return definition;
}

function checkRole(next: StoredBinding, old: StoredBinding | undefined, namespaced: boolean): StatusCause[] {
  const { roleRef } = next;
  if (old && (old.roleRef.kind !== roleRef.kind || old.roleRef.name !== roleRef.name)) {
    return [{ reason: 'FieldValueInvalid', field: 'roleRef', message: `Invalid value: ${JSON.stringify(roleRef)}: cannot change roleRef` }];
  }
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (kinds.includes(roleRef.kind)) return [];
  const supported = kinds.map((kind) => JSON.stringify(kind)).join(', ');
  return [{ reason: 'FieldValueNotSupported', field: 'roleRef.kind', message: `Unsupported value: ${JSON.stringify(roleRef.kind)}: supported values: ${supported}` }];
}

export const clusterRoleBindings = binding('ClusterRoleBinding', false);
export const roleBindings = binding('RoleBinding', true);
