/** Kubeconfig files: where a cluster is and how one proves who one is. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { HayloftError } from '#shared/contract/errors.ts';

const named = <T extends z.ZodType>(field: string, value: T): z.ZodType<(Record<string, unknown> & { name: string })[]> =>
  z.array(z.looseObject({ name: z.string(), [field]: value })) as never;

const kubeconfig = z.looseObject({
  'current-context': z.string().optional(),
  clusters: named(
    'cluster',
    z.looseObject({ server: z.url(), 'certificate-authority-data': z.string().optional() }),
  ),
  users: named('user', z.looseObject({})),
  contexts: named('context', z.looseObject({ cluster: z.string(), user: z.string() })),
});

export interface Access {
  /** Base address, without a slash at its end; may have a path (Rancher's proxies do). */
  server: string;
  /** PEM. Absent: the system's own authorities are trusted. */
  ca?: string;
  token?: string;
  clientCertificate?: string;
  clientKey?: string;
}

/**
 * Reads the current context of a kubeconfig file.
 * @throws HayloftError `bad-input` that says what is wrong with the file
 */
export function readKubeconfig(path: string): Access {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new HayloftError('not-found', `The kubeconfig ${path} could not be read.`, { cause: error });
  }
  const checked = kubeconfig.safeParse(parse(text));
  if (!checked.success) {
    throw new HayloftError('bad-input', `${path} is not a kubeconfig: ${z.prettifyError(checked.error)}`, {
      hint: 'Export the kubeconfig from the cluster again.',
    });
  }
  const { clusters, users, contexts } = checked.data;
  const wanted = checked.data['current-context'];
  const context = (contexts.find((entry) => entry.name === wanted) ?? contexts[0])?.['context'] as
    | { cluster: string; user: string }
    | undefined;
  const cluster = clusters.find((entry) => entry.name === context?.cluster)?.['cluster'] as Record<string, string> | undefined;
  const user = users.find((entry) => entry.name === context?.user)?.['user'] as Record<string, string> | undefined;
  if (!cluster?.['server']) {
    throw new HayloftError('bad-input', `${path} names no cluster in its current context.`, {
      hint: 'Choose a context with “kubectl config use-context”.',
    });
  }
  const access: Access = { server: cluster['server'].replace(/\/+$/, '') };
  const decode = (data: string | undefined): string | undefined =>
    data === undefined ? undefined : Buffer.from(data, 'base64').toString();
  const ca = decode(cluster['certificate-authority-data']);
  const clientCertificate = decode(user?.['client-certificate-data']);
  const clientKey = decode(user?.['client-key-data']);
  if (ca !== undefined) access.ca = ca;
  if (user?.['token'] !== undefined) access.token = user['token'];
  if (clientCertificate !== undefined) access.clientCertificate = clientCertificate;
  if (clientKey !== undefined) access.clientKey = clientKey;
  return access;
}
