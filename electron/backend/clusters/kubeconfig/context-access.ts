/** From one context of a kubeconfig to what it takes to reach the cluster: what `kubectl` would make of it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { HayloftError } from '#shared/contract/errors.ts';
import type { Access, Credentials } from '../access.ts';
import { proxyFor } from '../proxy/choose.ts';
import type { ClusterEntry, ContextEntry, Kubeconfig, UserEntry } from './document.ts';

export interface ResolvedContext {
  name: string;
  context: ContextEntry;
  cluster: ClusterEntry;
  /** Absent: the cluster is asked without credentials. */
  user: UserEntry | undefined;
}

/**
 * @param name absent: the current context, or the first
 * @throws HayloftError `bad-input` that says what the context lacks
 */
export function resolveContext(config: Kubeconfig, name?: string): ResolvedContext {
  const wanted = name ?? config.currentContext ?? [...config.contexts.keys()][0];
  if (wanted === undefined) throw lacking(config, 'has no contexts');
  const context = config.contexts.get(wanted);
  if (!context) throw lacking(config, `has no context “${wanted}”`);
  const cluster = config.clusters.get(context.cluster);
  if (!cluster) throw lacking(config, `has no cluster “${context.cluster}”, which its context “${wanted}” names`);
  const user = context.user === undefined || context.user === '' ? undefined : config.users.get(context.user);
  if (context.user && !user) throw lacking(config, `has no user “${context.user}”, which its context “${wanted}” names`);
  return { name: wanted, context, cluster, user };
}

function lacking({ origin }: Kubeconfig, what: string): HayloftError {
  return new HayloftError('bad-input', `${origin} ${what}.`, { hint: 'Export the kubeconfig from the cluster again.' });
}

/**
 * Everything but credentials that another program hands out.
 * @param folder where files lie that the kubeconfig names; undefined: it must name none (it was pasted)
 * @throws HayloftError `bad-input`, `not-found` or `unsupported`
 */
export function staticAccess({ name, context, cluster, user }: ResolvedContext, folder: string | undefined): Access {
  if (!cluster.server.startsWith('https://')) {
    throw new HayloftError('unsupported', `The context “${name}” leads to its cluster without encryption.`, {
      hint: 'Use a kubeconfig whose server begins with https://.',
    });
  }
  const proxy = proxyFor(cluster.server, cluster['proxy-url']);
  const ca = material(cluster, 'certificate-authority', 'CERTIFICATE', folder);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    ...(ca === undefined ? {} : { ca }),
    ...(cluster['tls-server-name'] === undefined ? {} : { serverName: cluster['tls-server-name'] }),
    ...(cluster['insecure-skip-tls-verify'] === true ? { insecure: true } : {}),
    ...(proxy === undefined ? {} : { proxy }),
    ...(context.namespace ? { namespace: context.namespace } : {}),
    ...(user === undefined ? {} : credentialsOf(user, folder)),
  };
}

function credentialsOf(user: UserEntry, folder: string | undefined): Pick<Access, keyof Credentials | 'tokenFile'> {
  if (user.username !== undefined) {
    throw new HayloftError('unsupported', 'The kubeconfig has a user name and a password, which Kubernetes gave up in 2020.', {
      hint: 'Get a kubeconfig with a token or a client certificate from the cluster.',
    });
  }
  // As kubectl does: the file's token counts, where there are both.
  const token = user.tokenFile ? readBeside(user.tokenFile, folder).trim() : user.token;
  const clientCertificate = material(user, 'client-certificate', 'CERTIFICATE', folder);
  const clientKey = material(user, 'client-key', 'PRIVATE KEY', folder);
  if ((clientCertificate === undefined) !== (clientKey === undefined)) {
    throw new HayloftError('bad-input', `The kubeconfig has a client ${clientKey === undefined ? 'certificate without its key' : 'key without its certificate'}.`, {
      hint: 'Export the kubeconfig from the cluster again.',
    });
  }
  return {
    ...(token === undefined ? {} : { token }),
    ...(user.tokenFile && folder !== undefined ? { tokenFile: resolve(folder, user.tokenFile) } : {}),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
  };
}

/** Kubeconfigs hold PEM in base64 (`…-data`), or name a file. */
function material(holder: Record<string, unknown>, key: string, kind: string, folder: string | undefined): string | undefined {
  const data = holder[`${key}-data`];
  const file = holder[key];
  const inline = typeof data === 'string' && data !== '';
  if (!inline && (typeof file !== 'string' || file === '')) return undefined;
  const pem = inline ? Buffer.from(data, 'base64').toString('latin1') : readBeside(String(file), folder);
  if (!new RegExp(`-----BEGIN [A-Z ]*${kind}-----`).test(pem)) {
    throw new HayloftError('bad-input', `The kubeconfig’s ${inline ? `${key}-data` : key} is no PEM ${kind.toLowerCase()}${inline ? ' in base64' : ''}.`, {
      hint: 'Something was cut off or changed on the way. Export the kubeconfig from the cluster again.',
    });
  }
  return pem;
}

function readBeside(path: string, folder: string | undefined): string {
  if (folder === undefined) {
    throw new HayloftError('not-found', `The kubeconfig names the file ${path}, which did not come with it.`, {
      hint: 'Choose the kubeconfig on the computer that has the file, or export it there with “kubectl config view --flatten --raw”.',
    });
  }
  try {
    return readFileSync(resolve(folder, path), 'utf8');
  } catch (cause) {
    throw new HayloftError('not-found', `The kubeconfig names the file ${path}, which could not be read.`, { hint: 'Check that the file is there.', cause });
  }
}
