import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { quiet, rigStore } from '../store/store-rig.ts';
import { timestamp } from '../store/keys.ts';
import type { Resources } from '../store/resources.ts';
import { accessTokens } from './definitions/access-token.ts';
import { serviceAccounts } from './definitions/service-account.ts';
import { digestOf, newToken } from './token-text.ts';
import { Tokens } from './tokens.ts';

function rig(): { resources: Resources; tokens: Tokens; ended: (string | undefined)[]; add: (name: string, expires?: Date) => string } {
  const { resources } = rigStore();
  const ended: (string | undefined)[] = [];
  resources.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot', namespace: 'default' } });
  const tokens = new Tokens({ resources, ownerToken: 'the-owner’s', ended: (credential) => ended.push(credential), log: quiet });
  onTestFinished(() => tokens.stop());
  const add = (name: string, expires?: Date): string => {
    const token = newToken();
    resources.create(accessTokens, {
      apiVersion: 'access.hayloft.io/v1',
      kind: 'AccessToken',
      metadata: { name, namespace: 'default' },
      spec: { serviceAccountName: 'robot', digest: digestOf(token).toString('hex'), ...(expires ? { expirationTimestamp: timestamp(expires) } : {}) },
    });
    return token;
  };
  return { resources, tokens, ended, add };
}

describe('tokens', () => {
  it('know their account, and nobody else’s text', async () => {
    const { tokens, add } = rig();
    const token = add('one');
    await vi.waitFor(() => expect(tokens.bearerOf(token, '')?.user.name).toBe('system:serviceaccount:default:robot'));
    expect(tokens.bearerOf('the-owner’s', '')?.user.name).toBe('hayloft');
    for (const wrong of ['', `${token}x`, token.slice(0, -1), digestOf(token).toString('hex')]) expect(tokens.bearerOf(wrong, '')).toBeUndefined();
  });

  it('end by themselves when their time is over, with what they opened', async () => {
    const { resources, tokens, ended, add } = rig();
    // Times are kept in whole seconds.
    const token = add('brief', new Date(Date.now() + 2000));
    await vi.waitFor(() => expect(tokens.bearerOf(token, '')).toBeDefined());
    await vi.waitFor(() => expect(ended).toHaveLength(1), 4000);
    expect(tokens.bearerOf(token, '')).toBeUndefined();
    expect(resources.list(accessTokens)).toEqual([]);
  });

  it('end when they are deleted, and are not good without their account', async () => {
    const { resources, tokens, ended, add } = rig();
    const [kept, revoked] = [add('kept'), add('revoked')];
    await vi.waitFor(() => expect(tokens.bearerOf(revoked, '')).toBeDefined());
    resources.delete(accessTokens, 'default', 'revoked');
    await vi.waitFor(() => expect(ended).toHaveLength(1));
    expect(tokens.bearerOf(revoked, '')).toBeUndefined();
    resources.delete(serviceAccounts, 'default', 'robot');
    expect(tokens.bearerOf(kept, '')).toBeUndefined();
  });

  it('tell when they were used, and write it once for many uses', async () => {
    const { resources, tokens, add } = rig();
    const token = add('busy');
    const stored = (): unknown => resources.get(accessTokens, 'default', 'busy')?.status;
    await vi.waitFor(() => expect(tokens.bearerOf(token, '192.0.2.7')).toBeDefined());
    await vi.waitFor(() => expect(stored()).toMatchObject({ lastUsedFrom: '192.0.2.7' }));
    const { resourceVersion } = resources.get(accessTokens, 'default', 'busy')?.metadata ?? {};
    for (let n = 0; n < 10; n += 1) tokens.bearerOf(token, '192.0.2.8');
    await new Promise((resolve) => setImmediate(resolve));
    expect(resources.get(accessTokens, 'default', 'busy')?.metadata.resourceVersion).toBe(resourceVersion);
  });
});
