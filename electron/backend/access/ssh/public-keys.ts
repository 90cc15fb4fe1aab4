/** The public halves of the SSH keys of whoever runs the app, to be let in with by a guest: from `~/.ssh` and the agent. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ParsedKey } from 'ssh2';
import type { PublicKey } from '#shared/contract/access.ts';
import { agentSocket } from './own-keys.ts';

const largest = 64 * 1024;
/** An agent that asks a person first, or hangs, is not waited for. */
const agentAnswersMs = 2000;
const line = /^((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[\w@.-]+) ([A-Za-z0-9+/]+={0,3})(?: (.*))?$/;

/** Those in files first; one that the agent has as well is there once. */
export async function publicKeys(folder = join(homedir(), '.ssh'), socket = agentSocket()): Promise<PublicKey[]> {
  const found = [...fromFolder(folder), ...(socket === undefined ? [] : await fromAgent(socket))];
  return [...new Map(found.toReversed().map((key) => [key.fingerprint, key])).values()].reverse();
}

/** @returns undefined for what is no public key as OpenSSH writes it */
export function parsePublicKey(text: string, from: PublicKey['from'], path?: string): PublicKey | undefined {
  const match = line.exec(text.trim());
  if (!match) return undefined;
  const [, type = '', data = '', comment = ''] = match;
  const fingerprint = createHash('sha256').update(Buffer.from(data, 'base64')).digest('base64').replaceAll('=', '');
  const rest = comment.trim();
  return {
    ...{ type, comment: rest, from, fingerprint: `SHA256:${fingerprint}` },
    text: [type, data, rest].join(' ').trim(),
    ...(path === undefined ? {} : { path }),
  };
}

function fromFolder(folder: string): PublicKey[] {
  return names(folder).flatMap((name) => {
    const path = join(folder, name);
    const key = parsePublicKey(read(path), 'file', path);
    return key ? [key] : [];
  });
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.pub')).sort();
  } catch {
    // No folder: no keys.
    return [];
  }
}

function read(path: string): string {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size <= largest ? readFileSync(path, 'utf8') : '';
  } catch {
    // Not readable for this user: ssh would pass over it, too.
    return '';
  }
}

/** None where no agent answers: it may have ended, and its socket stayed. */
async function fromAgent(socket: string): Promise<PublicKey[]> {
  const ssh = (await import('ssh2')).default;
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve([]), agentAnswersMs);
    new ssh.OpenSSHAgent(socket).getIdentities((error, keys = []) => {
      clearTimeout(late);
      if (error) {
        resolve([]);
        return;
      }
      const found = (keys as ParsedKey[]).flatMap((key) => parsePublicKey(`${key.type} ${key.getPublicSSH().toString('base64')} ${key.comment}`, 'agent') ?? []);
      resolve(found);
    });
  });
}
