/** The desktop app's program. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { app } from 'electron';
import { dataFolder } from '#shared/host/data-folder.ts';
import { startShell } from './shell.ts';

/** dist/desktop, where this program is bundled to; the other parts are its neighbours. */
const here = import.meta.dirname;

const { values } = parseArgs({
  // Run from a checkout, the first argument is the checkout.
  args: process.argv.slice(app.isPackaged ? 1 : 2),
  options: { 'data-dir': { type: 'string' } },
  // Electron and Chromium have flags of their own on the same command line.
  strict: false,
});
const dataDir = values['data-dir'];

startShell({
  dataDir: dataFolder(typeof dataDir === 'string' ? dataDir : undefined),
  rendererDir: join(here, '..', 'renderer'),
  preload: join(here, '..', 'preload', 'preload.cjs'),
  backendProcess: join(here, 'backend-process.js'),
});
