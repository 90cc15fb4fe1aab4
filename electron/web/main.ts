/** The web host's program: `npm start -- --web`. */
import '#shared/host/lean-heap.ts';
import { join } from 'node:path';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { dataFolder } from '#shared/host/data-folder.ts';
import { openLog } from '#shared/host/log-file.ts';
import { createBackend } from '../backend/backend.ts';
import { DEFAULT_PORT, readFlags, usage } from './flags.ts';
import type { Flags } from './flags.ts';
import { openBrowser } from '#shared/host/open-browser.ts';
import { loadSession } from './session.ts';
import { startWebHost } from './web-host.ts';
import type { WebHost, WebHostOptions } from './web-host.ts';

/** dist/web, where this program is bundled to; the renderer and the engine are its neighbours. */
const here = import.meta.dirname;

async function main(flags: Flags): Promise<void> {
  const dataDir = dataFolder(flags.dataDir);
  const session = await loadSession(dataDir);
  const log = openLog(dataDir, 'web');
  const backend = createBackend({ dataDir, host: 'web', engineMain: join(here, '..', 'engine', 'main.js'), log });
  let host: WebHost;
  try {
    host = await listen(flags.port, { rendererDir: join(here, '..', 'renderer'), backend, session, log });
  } catch (error) {
    await backend.close();
    throw error;
  }
  // Not before the address is ours: a start that fails leaves no engine behind.
  backend.begin();

  let closing = false;
  const close = (): void => {
    // Asked twice, it does not wait for anything.
    if (closing) process.exit(1);
    closing = true;
    host
      .close()
      .then(() => backend.close())
      .then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
  };
  process.on('SIGINT', close);
  process.on('SIGTERM', close);

  process.stdout.write(`Hayloft is ready: ${host.url}\n`);
  if (flags.open) {
    openBrowser(host.openingUrl(), () => process.stderr.write('No browser could be opened. Open the address yourself.\n'));
  }
}

/** A port that was asked for must be free; the default one gives way to any free one. */
async function listen(port: number | undefined, options: Omit<WebHostOptions, 'port'>): Promise<WebHost> {
  try {
    return await startWebHost({ ...options, port: port ?? DEFAULT_PORT });
  } catch (error) {
    const taken = error instanceof HayloftError && error.code === 'port-taken';
    if (!taken || port !== undefined) throw error;
    return startWebHost({ ...options, port: 0 });
  }
}

function fail(error: unknown): never {
  const known = error instanceof HayloftError;
  const text = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${text}\n`);
  if (known && error.hint !== undefined) process.stderr.write(`${error.hint}\n`);
  if (known && error.code === 'bad-input') process.stderr.write(`\n${usage}\n`);
  process.exit(known && error.code === 'bad-input' ? 2 : 1);
}

try {
  await main(readFlags(process.argv.slice(2)));
} catch (error) {
  fail(error);
}
