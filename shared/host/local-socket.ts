/** The engine's socket for programs of the same user on the same computer. */
import { join } from 'node:path';

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, with the zero at its end. */
export const LONGEST_SOCKET_PATH = 103;

/**
 * Where the engine that works in `dataDir` serves its API without encryption: file permissions keep others out, as
 * the folder is 0700. The token is asked for all the same.
 * @returns undefined where the system cannot have such a socket; TLS on the loopback port is there everywhere
 */
export function localSocketIn(dataDir: string): string | undefined {
  const path = join(dataDir, 'api.sock');
  // Node knows named pipes on Windows only, and those are open to other users.
  return process.platform === 'win32' || Buffer.byteLength(path) > LONGEST_SOCKET_PATH ? undefined : path;
}
