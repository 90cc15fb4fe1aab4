import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { ensureCertificates, type Certificates } from './certificates.ts';
import { serverNames } from '../listen/addresses.ts';
import { issue } from './issue.ts';
import type { IssueRequest } from './key-pair.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { trustedAuthorities, writeNext } from './succession.ts';
import { ensureToken } from './token.ts';

interface Rig {
  folder: string;
  requests: IssueRequest[];
  ensure: (host?: string) => Promise<Certificates>;
}

function rig(): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const requests: IssueRequest[] = [];
  return {
    folder,
    requests,
    ensure: (host = 'loft') =>
      ensureCertificates(
        folder,
        (request) => {
          requests.push(request);
          return issue(request);
        },
        serverNames([], host, []),
      ),
  };
}

describe('certificates', () => {
  it('are made once and kept for this user alone', async () => {
    const { folder, requests, ensure } = rig();
    const first = await ensure();
    expect(await ensure()).toEqual(first);
    expect(requests).toHaveLength(1);
    for (const name of ['ca.key', 'server.key']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  it('satisfy a TLS client for every name that the server has, and no other', async () => {
    const { ensure } = rig();
    const { ca, server } = await ensure('Loft.local');
    const listener = createServer({ cert: server.certificate, key: server.key });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void listener.close());
    const address = listener.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const reach = (servername: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({ host: '127.0.0.1', port, ca, servername, minVersion: 'TLSv1.3' }, () => {
          socket.destroy();
          resolve('trusted');
        });
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      });
    expect(await Promise.all(['', 'localhost', 'loft.local'].map(reach))).toEqual(['trusted', 'trusted', 'trusted']);
    expect(await reach('elsewhere')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(new X509Certificate(server.certificate).checkIP('::1')).toBeDefined();
  });

  it('keep their authority when the host name changes or the server’s are damaged', async () => {
    const { folder, ensure } = rig();
    const first = await ensure();
    const renamed = await ensure('barn');
    expect(renamed.ca).toBe(first.ca);
    expect(renamed.server).not.toEqual(first.server);
    writeFileSync(join(folder, 'server.key'), readFileSync(join(folder, 'ca.key')));
    const mended = await ensure('barn');
    expect(mended.ca).toBe(first.ca);
    expect(mended.server).not.toEqual(renamed.server);
  });

  it('are made anew when the authority is damaged', async () => {
    const { folder, ensure } = rig();
    const first = await ensure();
    writeFileSync(join(folder, 'ca.crt'), 'cut sho');
    const second = await ensure();
    expect(second.ca).not.toBe(first.ca);
    expect(new X509Certificate(second.server.certificate).verify(new X509Certificate(second.ca).publicKey)).toBe(true);
  });
});

it('the token is made once, for this user alone, and anew when it is damaged', () => {
  const path = join(rig().folder, 'token');
  const token = ensureToken(path);
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(ensureToken(path)).toBe(token);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, '');
  expect(ensureToken(path)).toMatch(/^[\w-]{43}$/);
});

it('the kubeconfig says where, whom to trust and who one is', () => {
  const path = join(rig().folder, 'kubeconfig');
  writeKubeconfig(path, { endpoint: 'https://127.0.0.1:1', ca: 'CA\n', token: 't' });
  expect(parse(readFileSync(path, 'utf8'))).toMatchObject({
    'current-context': 'hayloft',
    clusters: [{ cluster: { server: 'https://127.0.0.1:1', 'certificate-authority-data': 'Q0EK' } }],
    users: [{ user: { token: 't' } }],
    contexts: [{ context: { namespace: 'default' } }],
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

describe('an authority that is to follow', () => {
  const soon = async (folder: string, from: number): Promise<void> => {
    const { authority } = await issue({ authority: undefined, dns: [], ip: ['127.0.0.1'] });
    writeNext(folder, { ...authority, from });
  };
  const authorities = (bundle: string): number => bundle.split('BEGIN CERTIFICATE').length - 1;

  it('is trusted before its time, and signs from then on', async () => {
    const { folder, ensure } = rig();
    const first = await ensure();
    await soon(folder, Date.now() + 60_000);
    const during = await ensure();
    expect([authorities(first.ca), authorities(during.ca)]).toEqual([1, 2]);
    expect(during.server).toEqual(first.server);
    expect(trustedAuthorities(folder)).toBe(during.ca);
    const [, second = ''] = during.ca.split(/(?<=END CERTIFICATE-----\n)/);
    await soon(folder, Date.now());
    const after = await ensure();
    expect(authorities(after.ca)).toBe(1);
    expect(second).not.toBe('');
    expect(new X509Certificate(after.server.certificate).verify(new X509Certificate(after.ca).publicKey)).toBe(true);
    expect(await ensure()).toEqual(after);
  });

  it('is taken although the first try was cut off in the middle', async () => {
    const { folder, ensure } = rig();
    await ensure();
    await soon(folder, Date.now());
    const key = readFileSync(join(folder, 'next-ca.key'), 'utf8');
    // The key was written, the certificate was not.
    writeFileSync(join(folder, 'ca.key'), key);
    const { ca } = await ensure();
    expect(new X509Certificate(ca).checkPrivateKey(createPrivateKey(key))).toBe(true);
  });
});
