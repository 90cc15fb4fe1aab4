/** Questions about who asks and what he, or somebody, may do. Answered, and not kept. */
import type { KubeObject } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { badRequest, invalid } from '../api/errors.ts';
import { any, array, map, object, string, type ObjectSchema } from '../api/schema.ts';
import type { Attributes } from './attributes.ts';
import type { Authority } from './authority.ts';
import type { Tokens } from './tokens.ts';
import type { User } from './user.ts';

interface Review<S> extends KubeObject {
  spec?: S;
  status?: unknown;
}

interface AccessSpec {
  resourceAttributes?: Partial<Record<'namespace' | 'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'name', string>>;
  nonResourceAttributes?: { path?: string; verb?: string };
  user?: string;
  groups?: string[];
}

const attributes = {
  resourceAttributes: object(Object.fromEntries(
    ['namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'].map((name) => [name, string()]),
  )),
  nonResourceAttributes: object({ path: string(), verb: string() }),
};
const somebody = { user: string(), groups: array(string()), uid: string(), extra: map(array(string())) };

/** @param parts undefined until the engine has them */
export function createReviews(parts: () => { authority: Authority; tokens: Tokens }): ResourceDefinition[] {
  const decide = (user: User, spec: AccessSpec, namespace?: string): unknown => {
    const { allowed, reason } = parts().authority.decide(user, attributesFrom(spec, namespace));
    return { allowed, ...(reason === '' ? {} : { reason }) };
  };
  const authorization = (kind: string, spec: ObjectSchema, answer: Answer<AccessSpec>, namespaced = false): ResourceDefinition =>
    review('authorization.k8s.io', kind, spec, answer, namespaced);
  return [
    authorization('SelfSubjectAccessReview', object(attributes), ({ spec = {} }, asker) => decide(asker, spec)),
    authorization('SubjectAccessReview', object({ ...attributes, ...somebody }), ({ spec = {} }) => decide(userFrom(spec), spec)),
    authorization(
      'LocalSubjectAccessReview',
      object({ ...attributes, ...somebody }),
      ({ spec = {}, metadata }) => decide(userFrom(spec), spec, metadata.namespace),
      true,
    ),
    review<{ namespace?: string }>('authorization.k8s.io', 'SelfSubjectRulesReview', object({ namespace: string() }), ({ spec }, asker) => {
      if (!spec?.namespace) throw badRequest('no namespace on request');
      const rules = parts().authority.rules(asker, spec.namespace);
      return {
        resourceRules: rules.filter(({ resources }) => resources !== undefined),
        nonResourceRules: rules.filter(({ nonResourceURLs }) => nonResourceURLs !== undefined),
        incomplete: false,
      };
    }),
    review('authentication.k8s.io', 'SelfSubjectReview', object({}), (_, asker) => ({ userInfo: userInfo(asker) })),
    review<{ token?: string }>('authentication.k8s.io', 'TokenReview', object({ token: string(), audiences: array(string()) }), ({ spec }) => {
      const bearer = parts().tokens.bearerOf(spec?.token ?? '', 'a token review');
      return bearer ? { authenticated: true, user: userInfo(bearer.user) } : { authenticated: false, user: {} };
    }),
  ];
}

type Answer<S> = (asked: Review<S>, asker: User) => unknown;

function review<S>(group: string, kind: string, spec: ObjectSchema, answer: Answer<S>, namespaced = false): ResourceDefinition {
  const definition: ResourceDefinition<Review<S>> = {
    group,
    version: 'v1',
    kind,
    plural: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    namespaced,
    statusSubresource: false,
    schema: object({ spec, status: any() }),
    answer: (asked, asker) => ({ ...asked, status: answer(asked, asker) }),
  };
  return definition;
}

const userInfo = ({ name, uid, groups, extra }: User): unknown => ({ username: name, ...(uid && { uid }), groups, ...(extra && { extra }) });

function userFrom({ user = '', groups = [] }: AccessSpec): User {
  if (user === '' && groups.length === 0) refuse('spec.user', 'Invalid value: at least one of user or groups must be specified');
  return { name: user, groups };
}

function attributesFrom({ resourceAttributes: of, nonResourceAttributes: path }: AccessSpec, local: string | undefined): Attributes {
  if ((of === undefined) === (path === undefined)) {
    refuse('spec.resourceAttributes', 'Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified');
  }
  if (!of) return { verb: path?.verb ?? '', group: '', path: path?.path ?? '' };
  if (local !== undefined && of.namespace !== local) refuse('spec.resourceAttributes.namespace', 'Invalid value: must match metadata.namespace');
  return {
    verb: of.verb ?? '',
    group: of.group ?? '',
    resource: of.resource ?? '',
    path: '',
    ...(of.subresource ? { subresource: of.subresource } : {}),
    ...(of.namespace ? { namespace: of.namespace } : {}),
    ...(of.name ? { name: of.name } : {}),
  };
}

function refuse(field: string, message: string): never {
  const kind = { group: 'authorization.k8s.io', plural: 'subjectaccessreviews', kind: 'SubjectAccessReview' };
  throw invalid(kind, '', [{ reason: 'FieldValueInvalid', field, message }]);
}
