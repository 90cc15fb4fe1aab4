/** Installs the engine as a service of systemd, and removes it. Guests run on in either case. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { ENGINE_UNIT, engineUnit, GUESTS_UNIT, guestsUnit, type UnitOptions } from './units.ts';

export interface ServiceOptions {
  dataDir: string;
  scope: UnitOptions['scope'];
  /** How long guests may take to come to rest before the host goes down. */
  restSeconds: number;
}

/** Where things are, besides what the options say; tests have their own. */
export interface ServiceHost {
  node: string;
  script: string;
  /** Where units of this scope lie. */
  folder: string;
  /** Whether systemd runs this computer (sd_booted(3)). */
  hasSystemd: boolean;
  isRoot: boolean;
  systemctl(args: readonly string[]): Promise<string>;
}

export function serviceHost(scope: UnitOptions['scope'], script: string): ServiceHost {
  const config = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  const flags = scope === 'user' ? ['--user'] : [];
  return {
    node: process.execPath,
    script,
    folder: scope === 'system' ? '/etc/systemd/system' : join(config, 'systemd', 'user'),
    hasSystemd: existsSync('/run/systemd/system'),
    isRoot: process.getuid?.() === 0,
    systemctl: async (args) => {
      try {
        return (await promisify(execFile)('systemctl', [...flags, ...args])).stdout;
      } catch (error) {
        throw new HayloftError('internal', `systemctl ${args.join(' ')} failed: ${words(error)}`, { cause: error });
      }
    },
  };
}

/**
 * Writes the units, enables them and starts them.
 * @returns what a person may still have to do, a sentence each
 * @throws HayloftError `unsupported` without systemd, `forbidden` where root is needed
 */
export async function installService(options: ServiceOptions, host: ServiceHost): Promise<string[]> {
  checkHost(options, host);
  const user = options.scope === 'system' ? ownerOf(options.dataDir) : undefined;
  const unit: UnitOptions = {
    ...options,
    node: host.node,
    script: host.script,
    ...(user === undefined ? {} : { user }),
  };
  mkdirSync(host.folder, { recursive: true });
  writeFileSync(join(host.folder, ENGINE_UNIT), engineUnit(unit));
  writeFileSync(join(host.folder, GUESTS_UNIT), guestsUnit(unit));
  try {
    await host.systemctl(['daemon-reload']);
    await host.systemctl(['enable', '--now', ENGINE_UNIT, GUESTS_UNIT]);
  } catch (error) {
    removeUnits(host);
    throw error;
  }
  if (options.scope === 'system') return [];
  return [`For the engine to start with the computer, before you log in: sudo loginctl enable-linger ${userInfo().username}`];
}

/** Machines that run go on; nothing starts them again after the next boot. */
export async function removeService(options: Pick<ServiceOptions, 'scope'>, host: ServiceHost): Promise<void> {
  checkHost(options, host);
  await host.systemctl(['disable', ENGINE_UNIT, GUESTS_UNIT]);
  // While its unit is there: without the unit's words on killing, the guests would be ended with it. The guests' own unit
  // is left as it is, for stopping it puts them to rest.
  await host.systemctl(['stop', ENGINE_UNIT]);
  removeUnits(host);
  await host.systemctl(['daemon-reload']);
}

function removeUnits({ folder }: ServiceHost): void {
  for (const name of [ENGINE_UNIT, GUESTS_UNIT]) rmSync(join(folder, name), { force: true });
}

function checkHost({ scope }: Pick<ServiceOptions, 'scope'>, host: ServiceHost): void {
  if (!host.hasSystemd) {
    throw new HayloftError('unsupported', 'This computer is not run by systemd, so the engine cannot be installed as its service.', {
      hint: 'Let whatever starts programs here run the engine: npm run engine -- --data-dir DIR.',
    });
  }
  if (scope === 'system' && !host.isRoot) {
    throw new HayloftError('forbidden', 'A service of the whole system can be installed by root only.', {
      hint: 'Run the command with sudo, or leave --system out to install it for yourself.',
    });
  }
}

/** The engine runs as whoever the data belongs to; for data that is not there yet, as whoever called sudo. */
function ownerOf(dataDir: string): string | undefined {
  if (!existsSync(dataDir)) return process.env['SUDO_USER'];
  const { uid } = statSync(dataDir);
  return uid === 0 ? undefined : String(uid);
}

function words(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return said === '' ? String(error) : said;
}
