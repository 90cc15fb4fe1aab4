/** ClusterRole and Role: lists of what may be done. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../../api/definition.ts';
import { invalid } from '../../api/errors.ts';
import { array, object, string, unsupported, type ObjectSchema } from '../../api/schema.ts';
import type { PolicyRule } from '../rules.ts';

export interface StoredRole extends KubeObject {
  rules?: PolicyRule[] | null;
}

export const rbacGroup = 'rbac.authorization.k8s.io';

const texts = array(string());
const rules = array(object({ verbs: texts, apiGroups: texts, resources: texts, resourceNames: texts, nonResourceURLs: texts }, { required: ['verbs'] }));

function role(kind: string, namespaced: boolean, schema: ObjectSchema): ResourceDefinition<StoredRole> {
  const definition: ResourceDefinition<StoredRole> = {
    group: rbacGroup,
    version: 'v1',
    kind,
    plural: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    namespaced,
    statusSubresource: false,
    schema,
    columns: [
      { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
      { name: 'Created At', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    ],
    admit: ({ object: next }) => {
      const causes = (next.rules ?? []).flatMap((rule, index) => {
        const field = `rules[${index}]`;
        if (rule.verbs.length === 0) return [{ reason: 'FieldValueRequired', field: `${field}.verbs`, message: 'Required value: verbs must contain at least one value' }];
        if ((rule.nonResourceURLs ?? []).length > 0 && (namespaced || (rule.resources ?? []).length > 0)) {
          return [{ reason: 'FieldValueInvalid', field: `${field}.nonResourceURLs`, message: 'Invalid value: a rule is for paths or for resources, and paths are in no namespace' }];
        }
        return [];
      });
      if (causes.length > 0) throw invalid(definition, next.metadata.name ?? '', causes);
    },
  };
  return definition;
}

export const clusterRoles = role('ClusterRole', false, object({ rules, aggregationRule: unsupported('roles are not put together from others: list the rules') }));
export const roles = role('Role', true, object({ rules }));

/** What a binding says of the role it means. */
export const roleReference = object({ apiGroup: string({ enum: [rbacGroup] }), kind: string(), name: string() }, { required: ['kind', 'name'] });
