/** Where running guests keep their sockets. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LONGEST_SOCKET_PATH } from '#shared/host/local-socket.ts';

const uidLength = 36;
const longestName = '/serial.sock'.length;

/**
 * The folder itself where sockets in it are short enough, otherwise a private one in the system's folder for
 * temporary files whose name follows from it, so that the next engine finds it again.
 */
export function usableRunFolder(wanted: string): string {
  const fits = Buffer.byteLength(wanted) + 1 + uidLength + longestName <= LONGEST_SOCKET_PATH;
  const name = `hayloft-${createHash('sha256').update(wanted).digest('hex').slice(0, 12)}`;
  const folder = fits ? wanted : join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  // In a folder for everyone, somebody else could have been there first.
  if (!stat.isDirectory() || (process.getuid !== undefined && stat.uid !== process.getuid())) {
    throw new Error(`${folder} belongs to another user: machines cannot keep their sockets there.`);
  }
  chmodSync(folder, 0o700);
  return folder;
}
