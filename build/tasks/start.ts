/** `npm start`: from a fresh checkout to the app on the screen. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { runningNeeds } from '../../shared/host/packages.ts';
import { bundle } from '../lib/bundle.ts';
import { downloadElectron, findElectron } from '../lib/electron.ts';
import { dist, root } from '../lib/root.ts';
import { ensureSystemPackages } from '../lib/system-packages.ts';

const usage = `npm start -- [--web] [--no-open] [--port N] [--data-dir DIR] [--yes]
  --web        use the browser instead of the desktop app
  --no-open    with --web: print the address and open nothing
  --port N     with --web: the port to listen on (0: any free one)
  --data-dir   where Hayloft keeps its data
  --yes        ask nothing; install what is missing where that takes no password`;

function readFlags(): { web: boolean; 'no-open': boolean; port?: string; 'data-dir'?: string; yes: boolean; help: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        web: { type: 'boolean', default: false },
        'no-open': { type: 'boolean', default: false },
        port: { type: 'string' },
        'data-dir': { type: 'string' },
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

const flags = readFlags();
if (flags.help) {
  console.log(usage);
  process.exit(0);
}
// Without QEMU the app still manages other machines, and says on its first page what is missing here.
await ensureSystemPackages(runningNeeds, {
  yes: flags.yes || process.env['CI'] !== undefined,
  purpose: 'for running machines on this computer',
});
await bundle();

const electron = flags.web ? undefined : (findElectron() ?? downloadElectron());
const dataDir = flags['data-dir'] === undefined ? [] : ['--data-dir', flags['data-dir']];
if (electron === undefined) {
  if (!flags.web) console.log('Electron’s binary is not to be had here: using the browser instead.');
  const port = flags.port === undefined ? [] : ['--port', flags.port];
  const open = flags['no-open'] ? ['--no-open'] : [];
  const main = join(dist, 'web', 'main.js');
  process.argv.splice(1, process.argv.length, main, ...port, ...open, ...dataDir);
  await import(pathToFileURL(main).href);
} else {
  const child = spawn(electron, [root, ...dataDir], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
}
