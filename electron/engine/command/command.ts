/** What else the engine's program does: asks an engine that runs for something, and ends. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { Rotation } from '../access/rotation.ts';
import { kubeconfigText } from '../tls/kubeconfig.ts';
import { connectTo, type EngineClient } from './engine-client.ts';
import { parseLifetime } from './lifetime.ts';
import { createToken, listTokens, replaceToken, revokeToken } from './token-command.ts';

const usage = `Usage, each with --data-dir DIR of an engine that runs:
  token create NAME --role admin|operator|viewer [--expires 30d] [--server URL]
  token list
  token revoke NAME
  rotate token NAME [--server URL]
  rotate owner
  rotate ca [--overlap 7d|none]`;

interface Flags {
  role?: string | undefined;
  expires?: string | undefined;
  server?: string | undefined;
  overlap?: string | undefined;
}

/**
 * @param words the program's arguments
 * @returns what is to be printed
 * @throws HayloftError
 */
export async function runCommand(words: string[]): Promise<string> {
  const { flags, dataDir, positionals } = read(words);
  const [verb = '', second = '', name = '', ...more] = positionals;
  const engine = connectTo(dataDir);
  if (more.length > 0) throw wrong(`"${more.join(' ')}" is more than is asked for.`);
  switch (`${verb} ${second}`) {
    case 'token create': {
      const { role, expires } = flags;
      if (role === undefined) throw wrong('A new token needs a role.');
      const lifetimeMs = expires === undefined ? undefined : parseLifetime(expires, 'expires');
      const token = await createToken(engine, { name: named(name), role, ...(lifetimeMs === undefined ? {} : { lifetimeMs }) });
      return kubeconfigFor(engine, token, flags);
    }
    case 'token list':
      return listTokens(engine);
    case 'token revoke':
      await revokeToken(engine, named(name));
      return `The token "${name}" is revoked.\n`;
    case 'rotate token':
      return kubeconfigFor(engine, await replaceToken(engine, named(name)), flags);
    case 'rotate owner':
      await rotate(engine, { of: 'OwnerToken' });
      return 'The owner’s token is a new one; it is in the kubeconfig of the engine’s folder.\n';
    case 'rotate ca': {
      const { overlap } = flags;
      const seconds = overlap === undefined ? {} : { overlapSeconds: overlap === 'none' ? 0 : Math.round(parseLifetime(overlap, 'overlap') / 1000) };
      const from = await rotate(engine, { of: 'CertificateAuthority', ...seconds });
      return overlap === 'none'
        ? 'There is a new certificate authority. Every client needs a new kubeconfig now.\n'
        : `There is a new certificate authority, which is used from ${from} on. Kubeconfigs that are written from now on trust both; give one to every client until then.\n`;
    }
    default:
      throw wrong(`There is no command "${positionals.join(' ')}".`);
  }
}

/** @returns when the new one is used */
async function rotate(engine: EngineClient, spec: Rotation['spec']): Promise<string> {
  const { apiVersion, kind, plural } = { apiVersion: 'access.hayloft.io/v1', kind: 'Rotation', plural: 'rotations' };
  const { status } = await engine.call<Rotation>('POST', `/apis/${apiVersion}/${plural}`, { apiVersion, kind, metadata: {}, spec });
  return status?.from ?? '';
}

const wrong = (message: string): HayloftError => new HayloftError('bad-input', message, { hint: usage });

function read(args: string[]): { flags: Flags; dataDir: string; positionals: string[] } {
  const text = { type: 'string' } as const;
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { 'data-dir': text, role: text, expires: text, server: text, overlap: text } });
    const { 'data-dir': dataDir, ...flags } = values;
    if (!dataDir) throw new Error('The engine’s folder is to be named.');
    return { flags, dataDir: resolve(dataDir), positionals };
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

function named(name: string): string {
  if (name === '') throw wrong('The token’s name is missing.');
  return name;
}

const kubeconfigFor = async (engine: EngineClient, token: string, { server }: Flags): Promise<string> =>
  kubeconfigText({ endpoint: server ?? (await engine.endpoint()), ca: engine.ca, token });
