import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { HayloftError } from '#shared/contract/errors.ts';
import { resolveContext, staticAccess } from './context-access.ts';
import { parseKubeconfig } from './document.ts';

const folder = mkdtempSync(join(tmpdir(), 'hayloft-kubeconfig-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'empty.pem'), '');

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const certificate = base64('-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n');
const key = base64('-----BEGIN RSA PRIVATE KEY-----\nMA==\n-----END RSA PRIVATE KEY-----\n');

interface Parts {
  top?: object;
  cluster?: unknown;
  user?: unknown;
  context?: unknown;
  clusters?: unknown;
  users?: unknown;
  contexts?: unknown;
}

/** A kubeconfig that works, but for what is changed. */
function made(parts: Parts = {}): string {
  const { top = {}, cluster, user, context, ...lists } = parts;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'home',
    clusters: [{ name: 'c', cluster: cluster ?? { server: 'https://10.0.0.1:6443', 'certificate-authority-data': certificate } }],
    users: [{ name: 'u', user: user ?? { token: 't' } }],
    contexts: [{ name: 'home', context: context ?? { cluster: 'c', user: 'u' } }],
    ...lists,
    ...top,
  });
}

function use(text: string, context?: string): unknown {
  return staticAccess(resolveContext(parseKubeconfig(text, 'The file'), context), folder);
}

const server = { server: 'https://10.0.0.1:6443' };
const twice = (name: string, entry: object): unknown[] => [{ name, ...entry }, { name, ...entry }];

/** What is wrong, the text, the error's code, and what its message must say. */
const bad: [string, string, string, RegExp][] = [
  ['nothing at all', '', 'bad-input', /it is empty/],
  ['white space', ' \n\t\n', 'bad-input', /it is empty|not YAML/],
  ['a word', 'kubeconfig', 'bad-input', /no clusters and no contexts/],
  ['a number', '42', 'bad-input', /no clusters and no contexts/],
  ['a list', '- a\n- b\n', 'bad-input', /no clusters and no contexts/],
  ['null', 'null', 'bad-input', /no clusters and no contexts/],
  ['a web page', '<!doctype html><html><body>Log in</body></html>', 'bad-input', /web page|not YAML/],
  ['a private key', '-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n', 'bad-input', /not a kubeconfig/],
  ['bytes of a picture', '\u0000\u0001PNG\u0002\u0003', 'bad-input', /not a kubeconfig/],
  ['YAML that is cut off', made().slice(0, 60) + '\n  - {', 'bad-input', /not YAML/],
  ['YAML with tabs', 'clusters:\n\t- name: c\n', 'bad-input', /not YAML/],
  ['an open quote', 'clusters: "abc', 'bad-input', /not YAML/],
  ['two documents', `${made()}---\n${made()}`, 'bad-input', /not YAML/],
  ['aliases that grow', `a: &a [x,x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e'].map((name, n) => `${name}: &${name} [${Array(10).fill(`*${'abcd'[n] ?? ''}`).join(',')}]\n`).join('')}`, 'bad-input', /not YAML/],
  ['JSON that is cut off', '{"clusters":[{"name":"c"', 'bad-input', /not YAML/],
  ['a megabyte and more', `${made()}# ${'x'.repeat(1024 * 1024)}`, 'too-large', /more than 1 MiB/],
  ['another kind of object', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n', 'bad-input', /has no contexts/],
  ['clusters as a word', made({ clusters: 'c' }), 'bad-input', /clusters: /],
  ['clusters as a map', made({ clusters: { c: { server: 'https://x' } } }), 'bad-input', /clusters: /],
  ['a cluster without a name', made({ clusters: [{ cluster: server }] }), 'bad-input', /clusters\[0\]\.name/],
  ['a cluster with an empty name', made({ clusters: [{ name: '', cluster: server }] }), 'bad-input', /clusters\[0\]\.name/],
  ['a cluster that is null', made({ clusters: [{ name: 'c', cluster: null }] }), 'bad-input', /clusters\[0\]\.cluster/],
  ['a cluster without a server', made({ cluster: {} }), 'bad-input', /clusters\[0\]\.cluster\.server/],
  ['a server that is no address', made({ cluster: { server: 'my cluster' } }), 'bad-input', /clusters\[0\]\.cluster\.server/],
  ['a server that is a number', made({ cluster: { server: 6443 } }), 'bad-input', /clusters\[0\]\.cluster\.server/],
  ['a server that is a script', made({ cluster: { server: 'javascript:alert(1)' } }), 'bad-input', /clusters\[0\]\.cluster\.server/],
  ['a server that is a file', made({ cluster: { server: 'file:///etc/passwd' } }), 'bad-input', /clusters\[0\]\.cluster\.server/],
  ['a server without encryption', made({ cluster: { server: 'http://10.0.0.1:8080' } }), 'unsupported', /without encryption/],
  ['a proxy of an unknown kind', made({ cluster: { ...server, 'proxy-url': 'ftp://10.0.0.2:21' } }), 'unsupported', /proxy of a kind/],
  ['a proxy without an address', made({ cluster: { ...server, 'proxy-url': 'http://' } }), 'bad-input', /no address of a proxy/],
  ['a cluster twice', made({ clusters: twice('c', { cluster: server }) }), 'bad-input', /the cluster “c” is there twice/],
  ['a user twice', made({ users: twice('u', { user: { token: 't' } }) }), 'bad-input', /the user “u” is there twice/],
  ['a context twice', made({ contexts: twice('home', { context: { cluster: 'c', user: 'u' } }) }), 'bad-input', /the context “home” is there twice/],
  ['no contexts', made({ contexts: [], top: { 'current-context': undefined } }), 'bad-input', /has no contexts/],
  ['a current context that is not there', made({ top: { 'current-context': 'away' } }), 'bad-input', /has no context “away”/],
  ['a context without a cluster', made({ context: { user: 'u' } }), 'bad-input', /contexts\[0\]\.context\.cluster/],
  ['a context of a cluster that is not there', made({ context: { cluster: 'gone', user: 'u' } }), 'bad-input', /has no cluster “gone”/],
  ['a context of a user that is not there', made({ context: { cluster: 'c', user: 'gone' } }), 'bad-input', /has no user “gone”/],
  ['a context that is a word', made({ contexts: [{ name: 'home', context: 'c' }] }), 'bad-input', /contexts\[0\]\.context/],
  ['an authority that is no base64', made({ cluster: { ...server, 'certificate-authority-data': '%%%' } }), 'bad-input', /certificate-authority-data is no PEM certificate in base64/],
  ['an authority that is PEM and not base64', made({ cluster: { ...server, 'certificate-authority-data': '-----BEGIN CERTIFICATE-----' } }), 'bad-input', /is no PEM certificate in base64/],
  ['an authority that is a key', made({ cluster: { ...server, 'certificate-authority-data': key } }), 'bad-input', /is no PEM certificate/],
  ['an authority in a file that is not there', made({ cluster: { ...server, 'certificate-authority': 'gone.pem' } }), 'not-found', /gone\.pem, which could not be read/],
  ['an authority in a file that is empty', made({ cluster: { ...server, 'certificate-authority': 'empty.pem' } }), 'bad-input', /certificate-authority is no PEM certificate/],
  ['a client certificate without its key', made({ user: { 'client-certificate-data': certificate } }), 'bad-input', /certificate without its key/],
  ['a client key without its certificate', made({ user: { 'client-key-data': key } }), 'bad-input', /key without its certificate/],
  ['a client key that is a certificate', made({ user: { 'client-certificate-data': certificate, 'client-key-data': certificate } }), 'bad-input', /client-key-data is no PEM private key/],
  ['a client certificate in a file that is not there', made({ user: { 'client-certificate': '/gone/c.pem', 'client-key': '/gone/k.pem' } }), 'not-found', /\/gone\/c\.pem/],
  ['a token file that is not there', made({ user: { tokenFile: '/gone/token' } }), 'not-found', /\/gone\/token/],
  ['a token that is a list', made({ user: { token: ['a'] } }), 'bad-input', /users\[0\]\.user\.token/],
  ['a user name and a password', made({ user: { username: 'admin', password: 'secret' } }), 'unsupported', /user name and a password/],
  ['a program without a command', made({ user: { exec: { apiVersion: 'client.authentication.k8s.io/v1' } } }), 'bad-input', /users\[0\]\.user\.exec\.command/],
  ['a program whose arguments are a word', made({ user: { exec: { command: 'aws', args: '--all' } } }), 'bad-input', /users\[0\]\.user\.exec\.args/],
];

describe('a kubeconfig that is no good', () => {
  it.each(bad)('because it has %s is refused in words', (_, text, code, words) => {
    let error: unknown;
    try {
      use(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(HayloftError);
    const { code: found, message, hint } = error as HayloftError;
    expect({ code: found, message }).toEqual({ code, message: expect.stringMatching(words) as string });
    expect(hint).toBeTruthy();
    expect(message).not.toContain('secret');
  });

  it('comes in fifty kinds at least', () => expect(bad.length).toBeGreaterThanOrEqual(50));
});

describe('a kubeconfig', () => {
  it('gives what kubectl would use', () => {
    expect(use(made())).toEqual({ server: 'https://10.0.0.1:6443', ca: Buffer.from(certificate, 'base64').toString(), token: 't' });
  });

  it('may do without users', () => {
    expect(use(made({ users: null, context: { cluster: 'c', user: '' } }))).toMatchObject({ server: 'https://10.0.0.1:6443' });
  });
});
