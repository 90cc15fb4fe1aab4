/** Where Hayloft keeps its data on this computer. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The data folder, as an absolute path; it need not exist.
 * @param given what `--data-dir` says; it comes before `HAYLOFT_DATA_DIR`, which comes before the platform's place
 */
export function dataFolder(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  // An empty variable is the same as none (XDG base directory specification).
  const chosen = [given, env['HAYLOFT_DATA_DIR']].find((path) => path !== undefined && path !== '');
  if (chosen !== undefined) return resolve(chosen);
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Hayloft');
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'Hayloft');
  // The specification has relative paths ignored.
  const base = env['XDG_DATA_HOME'];
  return join(base?.startsWith('/') === true ? base : join(home, '.local', 'share'), 'hayloft');
}
