/** How one logs in to an SSH server: what is tried, in which order. */
import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware } from 'ssh2';
import type { SshSecret } from '#shared/contract/access.ts';
import type { OwnKey } from './own-keys.ts';

/** Servers end a connection after six failed tries (sshd_config(5), MaxAuthTries). */
const mostTries = 5;

export interface Login {
  user: string;
  secret: SshSecret | undefined;
  keys: readonly OwnKey[];
  agent: string | undefined;
}

/** What can be tried: what a person typed first, then the agent, then the keys that need nothing more. */
export function loginMethods({ user: username, secret, keys, agent }: Login): AnyAuthMethod[] {
  const methods: AnyAuthMethod[] = [];
  if (secret?.kind === 'password') {
    const { password } = secret;
    methods.push({ type: 'password', username, password });
    // Some servers ask for the password as one of several questions.
    methods.push({ type: 'keyboard-interactive', username, prompt: (_name, _text, _language, prompts, finish) => finish(prompts.map(() => password)) });
  }
  const unlocked = secret?.kind === 'passphrase' ? keys.find(({ path }) => path === secret.key) : undefined;
  if (unlocked && secret?.kind === 'passphrase') methods.push({ type: 'publickey', username, key: unlocked.text, passphrase: secret.passphrase });
  if (agent !== undefined) methods.push({ type: 'agent', username, agent });
  for (const key of keys) if (!key.encrypted) methods.push({ type: 'publickey', username, key: key.text });
  return methods.slice(0, mostTries);
}

/** Hands them out one after the other, as far as the server takes their kind. */
export function loginHandler(methods: readonly AnyAuthMethod[], accepted: (kinds: readonly AuthenticationType[]) => void): AuthHandlerMiddleware {
  const left = [...methods];
  return (kinds, _partial, next) => {
    // On the first call nobody knows yet what the server takes.
    const known = kinds as readonly AuthenticationType[] | null;
    if (known) accepted(known);
    let method = left.shift();
    while (method && known && !known.includes(method.type === 'agent' ? 'publickey' : method.type)) method = left.shift();
    if (method) next(method);
    // The end, which the library's types do not know.
    else next(false as unknown as AuthenticationType);
  };
}
