/** The SSH keys of whoever runs the app, as OpenSSH keeps them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ParsedKey } from 'ssh2';

export interface OwnKey {
  path: string;
  /** `ssh-ed25519` */
  type: string;
  /** It can only be used with its passphrase. */
  encrypted: boolean;
  /** The file as it is. */
  text: string;
}

/** OpenSSH tries these first, in this order (ssh_config(5), IdentityFile). */
const usual = ['id_ed25519', 'id_ecdsa', 'id_rsa', 'id_ed25519_sk', 'id_ecdsa_sk'];
const largest = 64 * 1024;

/** Whether an agent holds more keys; its socket, or a name that Windows' own one has. */
export const agentSocket = (): string | undefined => process.env['SSH_AUTH_SOCK'] || (process.platform === 'win32' ? '\\\\.\\pipe\\openssh-ssh-agent' : undefined);

/** Private keys in `~/.ssh`, the usual ones first. What is no key there is passed over. */
export async function ownKeys(folder = join(homedir(), '.ssh')): Promise<OwnKey[]> {
  const { utils } = (await import('ssh2')).default;
  const rank = (name: string): number => (usual.includes(name) ? usual.indexOf(name) : usual.length);
  return list(folder)
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
    .flatMap((name): OwnKey[] => {
      const path = join(folder, name);
      const text = readKey(path);
      if (text === undefined) return [];
      // Some files hold several keys, which the library's types do not know.
      const parsed = utils.parseKey(text) as ParsedKey | Error | ParsedKey[];
      const key = Array.isArray(parsed) ? parsed[0] : parsed;
      if (key === undefined) return [];
      if (!(key instanceof Error)) return key.isPrivateKey() ? [{ path, type: key.type, encrypted: false, text }] : [];
      return /encrypted|passphrase/i.test(key.message) ? [{ path, type: typeFrom(`${path}.pub`), encrypted: true, text }] : [];
    });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.endsWith('.pub') && !/^(known_hosts|authorized_keys|config)/.test(name));
  } catch {
    // No folder: no keys.
    return [];
  }
}

function readKey(path: string): string | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > largest) return undefined;
    const text = readFileSync(path, 'utf8');
    return text.startsWith('-----BEGIN ') || text.startsWith('PuTTY-User-Key-File-') ? text : undefined;
  } catch {
    // Not readable for this user: ssh would pass over it, too.
    return undefined;
  }
}

/** An encrypted key does not tell what it is; its public half does. */
function typeFrom(path: string): string {
  try {
    return readFileSync(path, 'utf8').split(' ')[0] ?? '';
  } catch {
    return '';
  }
}
