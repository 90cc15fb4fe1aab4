/** `serviceaccounts/token`: makes a token (`kubectl create token`). Source: Kubernetes' TokenRequest API. */
import type { SubresourceRequest, SubresourceRoute } from '../api/definition.ts';
import { badRequest, invalid, notFound } from '../api/errors.ts';
import { isJsonObject } from '../api/http/json.ts';
import { timestamp } from '../store/keys.ts';
import type { Resources } from '../store/resources.ts';
import { accessTokens } from './definitions/access-token.ts';
import { serviceAccounts } from './definitions/service-account.ts';
import { digestOf, newToken } from './token-text.ts';

const of = { group: 'authentication.k8s.io', plural: 'tokenrequests', kind: 'TokenRequest' };
const shortestSeconds = 600;
const longestSeconds = 2 ** 32;
const usualSeconds = 3600;

/** @param resources undefined until the module has started */
export function tokenRequestRoute(resources: () => Resources | undefined): SubresourceRoute {
  return {
    group: '',
    versions: ['v1'],
    resource: 'serviceaccounts',
    subresource: 'token',
    method: 'POST',
    handle: (request) => {
      const store = resources();
      if (!store) throw new Error('The access module has not started.');
      return { status: 201, body: answer(request, store) };
    },
  };
}

function answer({ namespace, name, body }: SubresourceRequest, resources: Resources): unknown {
  if (body !== undefined && !isJsonObject(body)) throw badRequest('the body is no TokenRequest');
  const account = resources.get(serviceAccounts, namespace, name);
  if (!account) throw notFound(serviceAccounts, name);
  const seconds = secondsOf(isJsonObject(body?.['spec']) ? body['spec'] : {}, name);
  const token = newToken();
  const expirationTimestamp = timestamp(new Date(Date.now() + seconds * 1000));
  resources.create(accessTokens, {
    apiVersion: 'access.hayloft.io/v1',
    kind: 'AccessToken',
    metadata: {
      generateName: `${name.slice(0, 50)}-`,
      namespace,
      // With its account goes the token.
      ownerReferences: [{ apiVersion: 'v1', kind: 'ServiceAccount', name, uid: account.metadata.uid ?? '' }],
    },
    spec: { serviceAccountName: name, digest: digestOf(token).toString('hex'), expirationTimestamp },
  });
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp() },
    spec: { audiences: [], expirationSeconds: seconds, boundObjectRef: null },
    status: { token, expirationTimestamp },
  };
}

/** @throws ApiError 422 */
function secondsOf(spec: Record<string, unknown>, name: string): number {
  const refuse = (field: string, message: string): never => {
    throw invalid(of, name, [{ reason: 'FieldValueInvalid', field: `spec.${field}`, message }]);
  };
  const { audiences, boundObjectRef, expirationSeconds = usualSeconds } = spec;
  if (Array.isArray(audiences) && audiences.length > 0) refuse('audiences', 'Invalid value: tokens are for the engine alone, which has no other audience');
  if (boundObjectRef !== undefined && boundObjectRef !== null) refuse('boundObjectRef', 'Invalid value: tokens live as long as their account, and are bound to nothing else');
  if (typeof expirationSeconds !== 'number' || !Number.isInteger(expirationSeconds)) return refuse('expirationSeconds', 'Invalid value: must be a whole number of seconds');
  if (expirationSeconds < shortestSeconds) refuse('expirationSeconds', `Invalid value: ${expirationSeconds}: may not specify a duration less than 10 minutes`);
  if (expirationSeconds > longestSeconds) refuse('expirationSeconds', `Invalid value: ${expirationSeconds}: may not specify a duration larger than 2^32 seconds`);
  return expirationSeconds;
}
