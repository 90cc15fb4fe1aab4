/** A kubeconfig's text, checked: clusters, users and contexts by their names. */
import { parse } from 'yaml';
import { z } from 'zod';
import { HayloftError } from '#shared/contract/errors.ts';

/** Real ones are some kilobytes; whatever is larger is something else. */
const mostBytes = 1024 * 1024;

const cluster = z.looseObject({
  server: z.url({ protocol: /^https?$/ }),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
});
export type ClusterEntry = z.infer<typeof cluster>;

const exec = z.looseObject({
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
});

const user = z.looseObject({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  username: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  exec: exec.nullish(),
  'auth-provider': z.looseObject({ name: z.string(), config: z.record(z.string(), z.string()).nullish() }).nullish(),
});
export type UserEntry = z.infer<typeof user>;

const extensions = z.array(z.looseObject({ name: z.string(), extension: z.unknown() })).nullish();
const context = z.looseObject({ cluster: z.string(), user: z.string().optional(), namespace: z.string().optional(), extensions });
export type ContextEntry = z.infer<typeof context>;

const named = <S extends z.ZodType>(key: string, entry: S): z.ZodType<Record<string, z.infer<S>> & { name: string }> =>
  z.looseObject({ name: z.string().min(1), [key]: entry }) as never;

const document = z.looseObject({
  'current-context': z.string().nullish(),
  clusters: z.array(named('cluster', cluster)).nullish(),
  users: z.array(named('user', user)).nullish(),
  contexts: z.array(named('context', context)).nullish(),
});

export interface Kubeconfig {
  /** What the file is called in messages: its path, or "The pasted text". */
  origin: string;
  currentContext: string | undefined;
  clusters: ReadonlyMap<string, ClusterEntry>;
  users: ReadonlyMap<string, UserEntry>;
  contexts: ReadonlyMap<string, ContextEntry>;
}

/**
 * @param origin what to call the text in messages
 * @throws HayloftError `bad-input` or `too-large` that says what is wrong with it
 */
export function parseKubeconfig(text: string, origin: string): Kubeconfig {
  if (Buffer.byteLength(text) > mostBytes) {
    throw new HayloftError('too-large', `${origin} is too large to be a kubeconfig: it has more than 1 MiB.`, {
      hint: 'Choose the kubeconfig itself; it is a short YAML file.',
    });
  }
  if (text.trim() === '') throw refusal(origin, 'it is empty.');
  const parsed = readYaml(text, origin);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw refusal(origin, text.trimStart().startsWith('<') ? 'it is a web page.' : 'it holds no clusters and no contexts.');
  }
  const result = document.safeParse(parsed);
  if (!result.success) throw refusal(origin, wordsOf(result.error), result.error);
  const { clusters, users, contexts } = result.data;
  return {
    origin,
    currentContext: result.data['current-context'] || undefined,
    clusters: byName<ClusterEntry>(clusters ?? [], 'cluster', origin),
    users: byName<UserEntry>(users ?? [], 'user', origin),
    contexts: byName<ContextEntry>(contexts ?? [], 'context', origin),
  };
}

function readYaml(text: string, origin: string): unknown {
  try {
    // Aliases could blow a small text up to a large one; kubeconfigs have none.
    return parse(text, { maxAliasCount: 20 });
  } catch (error) {
    const where = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    throw refusal(origin, `it is not YAML (${where.replace(/:$/, '')}).`, error);
  }
}

/** As kubectl does: a name that is there twice says two things, and nobody can know which is meant. */
function byName<E>(list: readonly (Record<string, unknown> & { name: string })[], key: string, origin: string): Map<string, E> {
  const map = new Map<string, E>();
  for (const item of list) {
    if (map.has(item.name)) throw refusal(origin, `the ${key} “${item.name}” is there twice.`);
    map.set(item.name, item[key] as E);
  }
  return map;
}

/** The first fault in words: `clusters[0].cluster.server: Invalid URL`. */
function wordsOf({ issues }: z.ZodError): string {
  const [issue] = issues;
  const path = (issue?.path ?? []).reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`),
    '',
  );
  return `${path === '' ? 'it' : path}: ${issue?.message ?? 'is wrong'}.`;
}

function refusal(origin: string, why: string, cause?: unknown): HayloftError {
  return new HayloftError('bad-input', `${origin} is not a kubeconfig: ${why}`, {
    hint: 'Export the kubeconfig from the cluster again.',
    cause,
  });
}
