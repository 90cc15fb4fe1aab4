/** The real avahi-daemon on one of the rig's computers, with a bus of its own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram } from './process.ts';
import type { RigHost } from './two-hosts.ts';
import { until } from './until.ts';

export interface Avahi {
  /** What is found of a service type, resolved, one line each, as `avahi-browse --parsable` writes it. */
  browse(type: string): string[];
  /** The address of a name; undefined when there is none. */
  resolve(name: string): string | undefined;
  stop(): Promise<void>;
}

export async function startAvahi(host: RigHost): Promise<Avahi> {
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-avahi-'));
  const bus = `unix:path=${join(folder, 'bus')}`;
  writeFileSync(
    join(folder, 'bus.conf'),
    `<busconfig><type>custom</type><listen>${bus}</listen><auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>` +
      '<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>\n',
  );
  writeFileSync(join(folder, 'avahi.conf'), '[server]\nhost-name=visitor\nuse-ipv6=no\nallow-interfaces=eth0\n[publish]\npublish-workstation=no\n');
  const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: bus };
  const [ip = '', ...words] = host.within;
  const start = (...command: string[]): ReturnType<typeof startProgram> => startProgram(ip, [...words, ...command], { env });
  const daemonBus = start('dbus-daemon', `--config-file=${join(folder, 'bus.conf')}`, '--nofork', '--nopidfile');
  // Its own /run, so that it meets no other avahi's process file.
  const script = `mount -t tmpfs none /run && exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f ${join(folder, 'avahi.conf')}`;
  await until('the bus to listen', () => run('dbus-send', `--bus=${bus}`, '--print-reply', '--dest=org.freedesktop.DBus', '/', 'org.freedesktop.DBus.ListNames') !== undefined);
  const daemon = start('sh', '-c', script);

  function run(...command: string[]): string | undefined {
    const { status, stdout } = spawnSync(ip, [...words, ...command], { encoding: 'utf8', env, timeout: 20_000 });
    return status === 0 ? stdout : undefined;
  }
  await until('avahi to run', () => run('avahi-resolve', '-4n', 'visitor.local'));
  return {
    browse: (type) => (run('avahi-browse', '-rpt', type) ?? '').split('\n').filter((line) => line.startsWith('=')),
    resolve: (name) => (run('avahi-resolve', '-4n', name) ?? '').trim().split(/\s+/)[1],
    stop: async () => {
      await daemon.stop();
      await daemonBus.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
