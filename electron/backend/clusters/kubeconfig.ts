/** Kubeconfig files: what `kubectl` would make of their current context. */
import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { HayloftError } from '#shared/contract/errors.ts';
import type { Access, Credentials } from './access.ts';

const cluster = z.looseObject({
  server: z.url(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
});

const user = z.looseObject({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
});

const kubeconfig = z.looseObject({
  'current-context': z.string().optional(),
  clusters: z.array(z.looseObject({ name: z.string(), cluster })),
  users: z.array(z.looseObject({ name: z.string(), user })).nullish(),
  contexts: z.array(z.looseObject({ name: z.string(), context: z.looseObject({ cluster: z.string(), user: z.string() }) })),
});

/**
 * Reads the current context of a kubeconfig file.
 * @throws HayloftError `not-found`, `bad-input` or `unsupported` that says what is wrong with the file
 */
export function readKubeconfig(path: string): Access {
  const text = readAt(path);
  const config = checked(path, text);
  const { 'current-context': wanted, contexts } = config;
  const context = (wanted ? contexts.find(({ name }) => name === wanted) : contexts[0])?.context;
  const at = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  if (!context || !at) {
    throw new HayloftError('bad-input', `The kubeconfig ${path} names no cluster in its current context.`, {
      hint: 'Choose a context with “kubectl config use-context”.',
    });
  }
  if (!at.server.startsWith('https://') || at['proxy-url'] !== undefined) {
    throw new HayloftError('unsupported', `The kubeconfig ${path} leads to the cluster ${at['proxy-url'] ? 'through a proxy' : 'without encryption'}.`, {
      hint: 'Use a kubeconfig whose server begins with https:// and is reached directly.',
    });
  }
  const who = config.users?.find(({ name }) => name === context.user)?.user;
  const folder = dirname(path);
  const ca = inlineOrFile(at, 'certificate-authority', folder);
  return {
    server: at.server.replace(/\/+$/, ''),
    ...(ca === undefined ? {} : { ca }),
    ...(at['tls-server-name'] === undefined ? {} : { serverName: at['tls-server-name'] }),
    ...(at['insecure-skip-tls-verify'] === true ? { insecure: true } : {}),
    ...(who === undefined ? {} : credentialsOf(who, folder)),
    ...(who?.exec || who?.['auth-provider'] ? { renew: renewal(text) } : {}),
  };
}

function checked(path: string, text: string): z.infer<typeof kubeconfig> {
  const refuse = (why: string, cause: unknown): never => {
    throw new HayloftError('bad-input', `${path} is not a kubeconfig: ${why}`, {
      hint: 'Export the kubeconfig from the cluster again.',
      cause,
    });
  };
  let parsed: unknown;
  try {
    parsed = parse(text);
  } catch (error) {
    return refuse('it is not YAML.', error);
  }
  const result = kubeconfig.safeParse(parsed);
  return result.success ? result.data : refuse(z.prettifyError(result.error), result.error);
}

function credentialsOf(who: z.infer<typeof user>, folder: string): Credentials {
  const token = who.token ?? (who.tokenFile === undefined ? undefined : readAt(resolve(folder, who.tokenFile)).trim());
  const clientCertificate = inlineOrFile(who, 'client-certificate', folder);
  const clientKey = inlineOrFile(who, 'client-key', folder);
  return {
    ...(token === undefined ? {} : { token }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
  };
}

/** Kubeconfigs hold such things in base64 (`…-data`), or name a file beside themselves. */
function inlineOrFile(holder: Record<string, unknown>, key: string, folder: string): string | undefined {
  const data = holder[`${key}-data`];
  if (typeof data === 'string' && data !== '') return Buffer.from(data, 'base64').toString();
  const file = holder[key];
  return typeof file === 'string' && file !== '' ? readAt(resolve(folder, file)) : undefined;
}

function readAt(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new HayloftError('not-found', `${path} could not be read.`, { hint: 'Check that the file is there.', cause: error });
  }
}

/**
 * Credentials from a program (`exec`: AWS, GKE, OIDC helpers) or an old-style provider. The official client knows how
 * to ask them all; it takes half a second to load, so that only those who need it wait for it.
 */
function renewal(text: string): () => Promise<Credentials> {
  const loaded = (): Promise<{ applyToHTTPSOptions(options: RequestOptions): Promise<void> }> =>
    import('@kubernetes/client-node').then(({ KubeConfig }) => {
      const config = new KubeConfig();
      config.loadFromString(text);
      return config;
    });
  let config: ReturnType<typeof loaded> | undefined;
  return async () => {
    try {
      config ??= loaded();
      const options: RequestOptions = { headers: {} };
      await (await config).applyToHTTPSOptions(options);
      const header = (options.headers as Record<string, string | undefined>)['Authorization'];
      const token = header?.replace(/^Bearer /, '');
      return {
        ...(token === undefined ? {} : { token }),
        ...(options.cert === undefined ? {} : { clientCertificate: textOf(options.cert) }),
        ...(options.key === undefined ? {} : { clientKey: textOf(options.key) }),
      };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new HayloftError('unauthorized', `The program that the kubeconfig names gave no credentials: ${why}`, {
        hint: 'Run “kubectl get nodes” with this kubeconfig; it tells more.',
        retryable: true,
        cause: error,
      });
    }
  };
}

const textOf = (pem: NonNullable<RequestOptions['cert'] | RequestOptions['key']>): string =>
  typeof pem === 'string' || Buffer.isBuffer(pem) ? pem.toString() : '';
