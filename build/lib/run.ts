/** Running the tools of node_modules. */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { root } from './root.ts';

/**
 * Runs a tool by its entry file with this very Node, its output shown as it comes.
 * @param entry path of the script below node_modules
 * @returns its exit code
 */
export function runTool(entry: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  const bin = join(root, 'node_modules', '.bin');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', entry), ...args], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      // What tests start by the name `node` must be this Node, too.
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, ...env },
    });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
