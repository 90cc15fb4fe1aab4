/**
 * systemd's units for the engine. Pure. Two of them, as a restart of the engine must not touch its guests and a shutdown
 * of the host must: the engine, and the guests, which are put to rest when their unit is stopped, before the engine's.
 * systemd.service(5), systemd.kill(5), systemd.exec(5).
 */

export interface UnitOptions {
  /** Absolute paths. */
  node: string;
  script: string;
  dataDir: string;
  /** For the whole system, started with it; otherwise for the user, started when they log in or linger. */
  scope: 'user' | 'system';
  /** Of the system's unit: whom the engine runs as. */
  user?: string;
  /** How long the guests may take to come to rest. */
  restSeconds: number;
}

export const ENGINE_UNIT = 'hayloft-engine.service';
export const GUESTS_UNIT = 'hayloft-guests.service';

/** What the engine takes beyond the guests' time: turning off those that are late, and writing it down. */
const extraSeconds = 15;

export function engineUnit(options: UnitOptions): string {
  return unit(
    [
      ['Description', 'Hayloft engine: virtual machines on this computer'],
      ['Documentation', 'https://kubevirt.io/user-guide'],
      ...(options.scope === 'system' ? ([['After', 'network-online.target'], ['Wants', 'network-online.target']] as const) : []),
      // A start that fails again and again is tried on: the disk may be full only for now.
      ['StartLimitIntervalSec', '0'],
    ],
    [
      ['Type', 'exec'],
      ...identity(options),
      ['ExecStart', command(options, ['--data-dir', options.dataDir])],
      ['Restart', 'always'],
      ['RestartSec', '2'],
      // Guests are children of the engine, and stay when it goes.
      ['KillMode', 'process'],
      ['SendSIGHUP', 'no'],
      // One guest that is too large for the memory does not take the others with it.
      ['OOMPolicy', 'continue'],
      ['OOMScoreAdjust', options.scope === 'system' ? '-500' : '0'],
      ['TasksMax', 'infinity'],
      ['LimitNOFILE', '65536'],
      ['UMask', '0077'],
    ],
    options.scope,
  );
}

export function guestsUnit(options: UnitOptions): string {
  return unit(
    [
      ['Description', 'Virtual machines of the Hayloft engine'],
      // Stopped in the opposite order: the guests come to rest while the engine is there to see to it.
      ['After', ENGINE_UNIT],
      ['Wants', ENGINE_UNIT],
    ],
    [
      ['Type', 'oneshot'],
      ['RemainAfterExit', 'yes'],
      ...identity(options),
      ['ExecStart', command(options, ['service', 'wake', '--data-dir', options.dataDir])],
      ['ExecStop', command(options, ['service', 'rest', '--within', String(options.restSeconds), '--data-dir', options.dataDir])],
      ['TimeoutStopSec', String(options.restSeconds + extraSeconds)],
    ],
    options.scope,
  );
}

type Lines = readonly (readonly [string, string])[];

function unit(head: Lines, service: Lines, scope: UnitOptions['scope']): string {
  const section = (name: string, lines: Lines): string => [`[${name}]`, ...lines.map(([key, value]) => `${key}=${value}`)].join('\n');
  const install: Lines = [['WantedBy', scope === 'system' ? 'multi-user.target' : 'default.target']];
  return `${[section('Unit', head), section('Service', service), section('Install', install)].join('\n\n')}\n`;
}

const identity = ({ scope, user }: UnitOptions): Lines => (scope === 'system' && user !== undefined ? [['User', user]] : []);

const command = ({ node, script }: UnitOptions, args: readonly string[]): string => [node, script, ...args].map(quote).join(' ');

/** A word of a command line: systemd expands `%` and `$`, and takes quotes and backslashes as C does. */
function quote(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
