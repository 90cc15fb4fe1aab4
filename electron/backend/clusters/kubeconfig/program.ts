/**
 * Credentials from a program (`exec`: AWS, GKE, OIDC helpers) or an old-style provider. A kubeconfig may name any
 * program, so none is run before a person has seen the command and said yes to that very command.
 */
import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { HayloftError } from '#shared/contract/errors.ts';
import type { Credentials } from '../access.ts';
import type { ContextEntry, UserEntry } from './document.ts';

/** Where a kubeconfig that we keep remembers what was agreed to. */
export const EXTENSION = 'hayloft.dev/program';

/** @returns the command line, with what it is given in its environment, for a person to judge; undefined where there is none */
export function programOf(user: UserEntry | undefined): string | undefined {
  if (user?.exec) {
    const variables = (user.exec.env ?? []).map(({ name, value }) => `${name}=${quoted(value)}`);
    return [...variables, user.exec.command, ...(user.exec.args ?? [])].map((word, n) => (n < variables.length ? word : quoted(word))).join(' ');
  }
  const provider = user?.['auth-provider'];
  if (!provider) return undefined;
  const command = provider.config?.['cmd-path'];
  return command === undefined ? `the provider “${provider.name}”` : [command, provider.config?.['cmd-args'] ?? ''].join(' ').trim();
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** What is remembered of a command that was agreed to. */
export const fingerprintOf = (program: string): string => createHash('sha256').update(program).digest('hex');

/** Whether this very program was agreed to when the context was added. */
export function isAgreed({ extensions }: ContextEntry, program: string): boolean {
  return extensions?.some(({ name, extension }) => name === EXTENSION && extension === fingerprintOf(program)) === true;
}

export function notAgreed(program: string): HayloftError {
  return new HayloftError('untrusted', `The kubeconfig gets its credentials from a program: ${program}`, {
    hint: 'Allow it only if you know the program and where the kubeconfig comes from.',
  });
}

/**
 * Asks the program. The official client knows how to ask them all; it takes half a second to load, so that only those
 * who need it wait for it.
 * @param text a kubeconfig whose current context is the one meant
 */
export function renewal(text: string): (refused: boolean) => Promise<Credentials> {
  const loaded = (): Promise<{ applyToHTTPSOptions(options: RequestOptions): Promise<void> }> =>
    import('@kubernetes/client-node').then(({ KubeConfig }) => {
      const config = new KubeConfig();
      config.loadFromString(text);
      return config;
    });
  let config: ReturnType<typeof loaded> | undefined;
  return async (refused) => {
    try {
      // The client keeps what the program said for as long as the program said; a new one asks the program again.
      if (refused) config = undefined;
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
