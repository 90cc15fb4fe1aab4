/** `token create|list|revoke`: named tokens, each with an account and a role of its own. */
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { tokenRoles } from '../access/default-roles.ts';
import type { AccessToken } from '../access/definitions/access-token.ts';
import type { StoredBinding } from '../access/definitions/bindings.ts';
import { digestOf, newToken } from '../access/token-text.ts';
import { timestamp } from '../store/keys.ts';
import type { EngineClient } from './engine-client.ts';

const namespace = 'kube-system';
const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
const tokens = `/apis/access.hayloft.io/v1/namespaces/${namespace}/accesstokens`;
const rbac = 'rbac.authorization.k8s.io';
const bindings = `/apis/${rbac}/v1/clusterrolebindings`;
const bindingOf = (name: string): string => `hayloft.io:token:${name}`;

export interface NewToken {
  name: string;
  /** admin, operator or viewer. */
  role: string;
  /** Milliseconds; absent: until it is revoked. */
  lifetimeMs?: number;
}

/**
 * Makes an account, gives it the role, and makes its token. What was made is taken back when one of them fails.
 * @returns the token, which is nowhere else
 * @throws HayloftError `bad-input`, `conflict`
 */
export async function createToken(engine: EngineClient, { name, role, lifetimeMs }: NewToken): Promise<string> {
  const clusterRole = tokenRoles[role];
  if (clusterRole === undefined) {
    throw new HayloftError('bad-input', `There is no role "${role}".`, { hint: `Choose one of ${Object.keys(tokenRoles).join(', ')}.`, field: 'role' });
  }
  if (!/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(name)) {
    throw new HayloftError('bad-input', `"${name}" cannot be a token’s name.`, { hint: 'Use small letters, digits and dashes, at most 63.', field: 'name' });
  }
  if (await found(engine, `${tokens}/${name}`)) {
    throw new HayloftError('conflict', `There is a token "${name}" already.`, { hint: `Revoke it first, or make it anew with "rotate token ${name}".` });
  }
  // Left behind by a revocation or creation that was cut off.
  await removeAll(engine, name);
  try {
    const metadata = { name };
    const account = await engine.call<KubeObject>('POST', accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    await engine.call('POST', bindings, {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: bindingOf(name) },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: clusterRole },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
    return await addToken(engine, account, name, lifetimeMs);
  } catch (error) {
    await removeAll(engine, name).catch(() => undefined);
    throw error;
  }
}

async function addToken(engine: EngineClient, account: KubeObject, name: string, lifetimeMs: number | undefined): Promise<string> {
  const token = newToken();
  const { name: accountName = '', uid } = account.metadata;
  const object: AccessToken = {
    apiVersion: 'access.hayloft.io/v1',
    kind: 'AccessToken',
    metadata: { name, ownerReferences: [{ apiVersion: 'v1', kind: 'ServiceAccount', name: accountName, uid: uid ?? '' }] },
    spec: {
      serviceAccountName: accountName,
      digest: digestOf(token).toString('hex'),
      ...(lifetimeMs === undefined ? {} : { expirationTimestamp: timestamp(new Date(Date.now() + lifetimeMs)) }),
    },
  };
  await engine.call('POST', tokens, object);
  return token;
}

/** @throws HayloftError `not-found` */
export async function revokeToken(engine: EngineClient, name: string): Promise<void> {
  if (!(await removeAll(engine, name))) throw noToken(name);
}

/**
 * Makes a token anew; the one before is not good any more.
 * @throws HayloftError `not-found`
 */
export async function replaceToken(engine: EngineClient, name: string): Promise<string> {
  const old = await found<AccessToken>(engine, `${tokens}/${name}`);
  const account = old && (await found(engine, `${accounts}/${old.spec.serviceAccountName}`));
  if (!account) throw noToken(name);
  const { creationTimestamp = '' } = old.metadata;
  const { expirationTimestamp } = old.spec;
  // It lives as long as the one before did.
  const lifetimeMs = expirationTimestamp === undefined ? undefined : Date.parse(expirationTimestamp) - Date.parse(creationTimestamp);
  await engine.call('DELETE', `${tokens}/${name}`);
  return addToken(engine, account, name, lifetimeMs);
}

const noToken = (name: string): HayloftError =>
  new HayloftError('not-found', `There is no token "${name}".`, { hint: '"token list" shows those that there are.' });

/** One line a token, columns aligned. */
export async function listTokens(engine: EngineClient): Promise<string> {
  const [{ items }, bound] = await Promise.all([
    engine.call<KubeList<AccessToken>>('GET', '/apis/access.hayloft.io/v1/accesstokens'),
    engine.call<KubeList<StoredBinding>>('GET', bindings),
  ]);
  const roleOf = ({ metadata, spec }: AccessToken): string => {
    const names = bound.items
      .filter(({ subjects }) => (subjects ?? []).some((who) => who.kind === 'ServiceAccount' && who.name === spec.serviceAccountName && who.namespace === metadata.namespace))
      .map(({ roleRef }) => Object.entries(tokenRoles).find(([, role]) => role === roleRef.name)?.[0] ?? roleRef.name);
    return names.join(',') || '(none everywhere)';
  };
  const rows = items.map((token) => [
    token.metadata.name ?? '',
    `${token.metadata.namespace ?? ''}/${token.spec.serviceAccountName}`,
    roleOf(token),
    token.spec.expirationTimestamp ?? 'never',
    token.status?.lastUsedTime ?? 'never',
    token.status?.lastUsedFrom ?? '',
  ]);
  return columns([['NAME', 'ACCOUNT', 'ROLE', 'EXPIRES', 'LAST USED', 'FROM'], ...rows]);
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ').trimEnd()}\n`).join('');
}

async function found<T = KubeObject>(engine: EngineClient, path: string): Promise<T | undefined> {
  try {
    return await engine.call<T>('GET', path);
  } catch (error) {
    if (error instanceof HayloftError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** The token first: from then on it is not good any more. @returns whether there was anything */
async function removeAll(engine: EngineClient, name: string): Promise<boolean> {
  let any = false;
  for (const path of [`${tokens}/${name}`, `${bindings}/${bindingOf(name)}`, `${accounts}/${name}`]) {
    if (!(await found(engine, path))) continue;
    await engine.call('DELETE', path);
    any = true;
  }
  return any;
}
