/** Where Electron's binary is, and getting it on the first start: npm installs everything of Electron but that. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './root.ts';

const packageFolder = join(root, 'node_modules', 'electron');
const failureMark = join(root, 'node_modules', '.hayloft', 'no-electron');
const retryAfterMs = 24 * 3600 * 1000;

/**
 * @returns the path of the executable, or undefined where it is not there yet
 */
export function findElectron(): string | undefined {
  const pathFile = join(packageFolder, 'path.txt');
  const name = existsSync(pathFile) ? readFileSync(pathFile, 'utf8').trim() : 'electron';
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  const path = join(override ?? join(packageFolder, 'dist'), name);
  return existsSync(path) ? path : undefined;
}

/**
 * Downloads the binary. A failure is remembered for a day, so that a computer that cannot have it starts without a
 * detour.
 * @returns the path of the executable, or undefined where it cannot be had
 */
export function downloadElectron(): string | undefined {
  if (existsSync(failureMark) && Date.now() - statSync(failureMark).mtimeMs < retryAfterMs) return undefined;
  console.log('Downloading Electron…');
  const result = spawnSync(process.execPath, [join(packageFolder, 'install.js')], { stdio: 'ignore' });
  const path = result.status === 0 ? findElectron() : undefined;
  if (path === undefined) {
    mkdirSync(dirname(failureMark), { recursive: true });
    writeFileSync(failureMark, '');
  }
  return path;
}
