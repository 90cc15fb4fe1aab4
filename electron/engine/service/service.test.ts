import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '../qemu/binary.ts';
import { installService, removeService, type ServiceHost } from './install.ts';
import { ENGINE_UNIT, engineUnit, GUESTS_UNIT, guestsUnit, type UnitOptions } from './units.ts';

const options: UnitOptions = {
  node: '/bin/true',
  script: '/bin/true',
  dataDir: '/data/100% "mine" $HOME\\x',
  scope: 'user',
  restSeconds: 60,
};
let folder = '';
let called: string[][] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-units-'));
  called = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const host = (change: Partial<ServiceHost> = {}): ServiceHost => ({
  node: '/bin/true',
  script: '/bin/true',
  folder,
  hasSystemd: true,
  isRoot: true,
  systemctl: (args) => {
    called.push([...args]);
    return Promise.resolve('');
  },
  ...change,
});

describe('units', () => {
  it.each(['user', 'system'] as const)('are what systemd takes (%s)', (scope) => {
    const analyze = findProgram('systemd-analyze');
    if (analyze === undefined) throw new Error('systemd-analyze is missing: install the Debian package systemd.');
    writeFileSync(join(folder, ENGINE_UNIT), engineUnit({ ...options, scope, user: 'root' }));
    writeFileSync(join(folder, GUESTS_UNIT), guestsUnit({ ...options, scope, user: 'root' }));
    // What it says of a unit comes with its name; other units of this computer are none of our business.
    const result = execFileSync('sh', ['-c', '"$0" verify --man=no "$@" 2>&1 || true', analyze, join(folder, ENGINE_UNIT), join(folder, GUESTS_UNIT)], { encoding: 'utf8' });
    expect(result.split('\n').filter((line) => line.includes('hayloft-'))).toEqual([]);
  });

  it('keep guests alive over a restart of the engine, and put them to rest before it stops with the host', () => {
    expect(engineUnit(options)).toContain('KillMode=process\n');
    expect(engineUnit(options)).toContain('Restart=always\n');
    const guests = guestsUnit(options);
    expect(guests).toContain(`After=${ENGINE_UNIT}\n`);
    expect(guests).not.toMatch(/^(Requires|PartOf|BindsTo)=/m);
    expect(guests).toMatch(/^ExecStop=.* service rest --within 60 /m);
    expect(guests).toContain('TimeoutStopSec=75\n');
  });

  it('name a folder whatever its name', () => {
    expect(engineUnit(options)).toContain('--data-dir "/data/100%% \\"mine\\" $$HOME\\\\x"\n');
  });
});

describe('a service', () => {
  it('is installed, started, and removed again, while guests run on', async () => {
    const notes = await installService({ dataDir: folder, scope: 'user', restSeconds: 90 }, host());
    expect(readFileSync(join(folder, ENGINE_UNIT), 'utf8')).toContain(`ExecStart=/bin/true /bin/true --data-dir ${folder}\n`);
    expect(called).toEqual([['daemon-reload'], ['enable', '--now', ENGINE_UNIT, GUESTS_UNIT]]);
    expect(notes.join()).toContain('loginctl enable-linger');
    await removeService({ scope: 'user' }, host());
    expect(readdirSync(folder)).toEqual([]);
    // Stopping the guests' unit would end them, and so would stopping the engine's once its file is gone.
    expect(called.slice(2)).toEqual([['disable', ENGINE_UNIT, GUESTS_UNIT], ['stop', ENGINE_UNIT], ['daemon-reload']]);
  });

  it('leaves nothing when systemd does not take it', async () => {
    const broken = host({ systemctl: () => Promise.reject(new Error('no bus')) });
    await expect(installService({ dataDir: folder, scope: 'user', restSeconds: 90 }, broken)).rejects.toThrow('no bus');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is refused without systemd, and without root for the whole system', async () => {
    const install = (change: Partial<ServiceHost>): Promise<string[]> => installService({ dataDir: folder, scope: 'system', restSeconds: 90 }, host(change));
    await expect(install({ hasSystemd: false })).rejects.toMatchObject({ code: 'unsupported' });
    await expect(install({ isRoot: false })).rejects.toMatchObject({ code: 'forbidden' });
    expect(existsSync(join(folder, ENGINE_UNIT))).toBe(false);
  });
});
