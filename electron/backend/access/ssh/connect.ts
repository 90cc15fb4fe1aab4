/** Connections to guests' SSH servers, through the cluster. */
import type { Duplex } from 'node:stream';
import type { AuthenticationType, Client, ClientErrorExtensions } from 'ssh2';
import { HayloftError } from '#shared/contract/errors.ts';
import { nobodyThere } from '../tunnel.ts';
import { loginHandler, loginMethods, type Login } from './login.ts';

/** An emulated guest takes its time over the arithmetic of a key exchange. */
const readyMs = 60_000;

/**
 * Goes as far as the server's key.
 * @throws HayloftError when there is no SSH server
 */
export async function askHostKey(tunnel: Duplex, name: string, port: number): Promise<Buffer> {
  const { Client } = (await import('ssh2')).default;
  const client = new Client();
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      client.on('error', (error) => reject(failure(error, name, port)));
      client.on('close', () => reject(nobodyThere(name, port)));
      client.connect({
        ...{ sock: tunnel, username: 'nobody', readyTimeout: readyMs },
        hostVerifier: (key: Buffer) => {
          resolve(key);
          return false;
        },
      });
    });
  } finally {
    client.end();
    tunnel.destroy();
  }
}

/**
 * Logs in.
 * @param isTrusted is asked for the server's key, before anything secret is sent
 * @throws HayloftError `untrusted`, `unauthorized` with the field `password`, or why there is no connection
 */
export async function logIn(tunnel: Duplex, login: Login, at: { name: string; port: number }, isTrusted: (key: Buffer) => boolean): Promise<Client> {
  const { Client } = (await import('ssh2')).default;
  const client = new Client();
  let refused = false;
  let kinds: readonly AuthenticationType[] = [];
  const methods = loginMethods(login);
  try {
    await new Promise<void>((resolve, reject) => {
      client.on('ready', resolve);
      client.on('error', (error) => {
        if (refused) reject(new HayloftError('untrusted', `The SSH key of ${at.name} is not the one that is trusted.`, { hint: 'Nothing was sent to it.' }));
        else if (error.level === 'client-authentication') reject(notLetIn(login, kinds, methods.length));
        else reject(failure(error, at.name, at.port));
      });
      client.on('close', () => reject(nobodyThere(at.name, at.port)));
      client.connect({
        ...{ sock: tunnel, username: login.user, readyTimeout: readyMs, keepaliveInterval: 15_000, keepaliveCountMax: 4 },
        authHandler: loginHandler(methods, (taken) => (kinds = taken)),
        hostVerifier: (key: Buffer) => {
          refused = !isTrusted(key);
          return !refused;
        },
      });
    });
  } catch (error) {
    client.destroy();
    tunnel.destroy();
    throw error;
  }
  return client;
}

function notLetIn({ user, secret, keys }: Login, kinds: readonly AuthenticationType[], tried: number): HayloftError {
  const password = kinds.includes('password') || kinds.includes('keyboard-interactive');
  const locked = keys.filter(({ encrypted }) => encrypted).length;
  const message =
    secret?.kind === 'password'
      ? password
        ? `The password for ${user} was not accepted.`
        : `The guest takes keys only: no password lets ${user} in.`
      : tried === 0
        ? `There is no key to log in as ${user} with.`
        : `None of your keys lets ${user} in.`;
  const ways = [password ? 'type the password' : '', locked > 0 ? 'unlock an encrypted key' : '', 'check the user’s name'].filter(Boolean);
  const hint = `${ways.join(', or ').replace(/^./, (first) => first.toUpperCase())}.${password ? '' : ' The guest takes no passwords.'}`;
  return new HayloftError('unauthorized', message, { field: 'password', hint });
}

/** What went wrong before anybody was logged in. */
function failure(error: Error & ClientErrorExtensions, name: string, port: number): HayloftError {
  if (error instanceof HayloftError) return error;
  if (error.level === 'client-timeout') {
    return new HayloftError('timeout', `The SSH server of ${name} did not answer in time.`, { hint: 'The guest may be busy. Try again.', retryable: true, cause: error });
  }
  if (/before handshake|ECONNRESET|ended by other/i.test(error.message)) return nobodyThere(name, port, error);
  if (error.level === 'handshake' || error.level === 'protocol') {
    return new HayloftError('unsupported', `What answers at port ${port} of ${name} is no SSH server that can be talked to: ${error.message}.`, { cause: error });
  }
  return new HayloftError('connection-lost', `The connection to ${name} was lost: ${error.message}.`, { retryable: true, cause: error });
}
