/** A kubeconfig with one context and everything in it: what is kept of a cluster, and what is exported. */
import { stringify } from 'yaml';
import type { Access } from '../access.ts';
import type { ResolvedContext } from './context-access.ts';
import { EXTENSION, fingerprintOf } from './program.ts';

export interface Choices {
  /** What the cluster is called in the app: the context's name in the file. */
  name: string;
  /** PEM of an authority to trust instead of the kubeconfig's own. */
  ca?: string | undefined;
  /** The program that may be run for credentials. */
  program?: string | undefined;
}

const base64 = (pem: string): string => Buffer.from(pem).toString('base64');

/** @param access the context's own, with the contents of the files that it names */
export function selfContained({ context, cluster, user }: ResolvedContext, access: Access, { name, ca, program }: Choices): string {
  const trusted = ca ?? access.ca;
  const { token, tokenFile, clientCertificate, clientKey } = access;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [
      {
        name,
        cluster: {
          server: cluster.server,
          ...(trusted === undefined ? {} : { 'certificate-authority-data': base64(trusted) }),
          ...(access.serverName === undefined ? {} : { 'tls-server-name': access.serverName }),
          ...(cluster['proxy-url'] ? { 'proxy-url': cluster['proxy-url'] } : {}),
          ...(access.insecure === true && ca === undefined ? { 'insecure-skip-tls-verify': true } : {}),
        },
      },
    ],
    users: [
      {
        name,
        user: {
          // A file's token changes: where it is is kept, not what it is today.
          ...(tokenFile === undefined ? (token === undefined ? {} : { token }) : { tokenFile }),
          ...(clientCertificate === undefined ? {} : { 'client-certificate-data': base64(clientCertificate) }),
          ...(clientKey === undefined ? {} : { 'client-key-data': base64(clientKey) }),
          ...(user?.exec ? { exec: user.exec } : {}),
          ...(user?.['auth-provider'] ? { 'auth-provider': user['auth-provider'] } : {}),
        },
      },
    ],
    contexts: [
      {
        name,
        context: {
          cluster: name,
          user: name,
          ...(context.namespace === undefined ? {} : { namespace: context.namespace }),
          ...(program === undefined ? {} : { extensions: [{ name: EXTENSION, extension: fingerprintOf(program) }] }),
        },
      },
    ],
  });
}
