import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DomainSpec, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { rigImage } from '../../../test/rig/images/rig-image.ts';
import { repository } from '../../../test/rig/engine.ts';
import { startProgram } from '../../../test/rig/process.ts';
import { until } from '../../../test/rig/until.ts';
import { tryGuest } from './acceleration/trial-guest.ts';
import { findQemu } from './binary.ts';
import { isAlive, qemuProcessesUsing } from './guest/process.ts';
import { createHypervisor } from './hypervisor.ts';
import { QmpConnection } from './qmp.ts';
import type { Guest, GuestPlan, Hypervisor } from './types.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
let folder = '';
let hypervisor: Hypervisor;
let started: Guest[] = [];

function open(): Hypervisor {
  return createHypervisor({
    runDir: join(folder, 'run'),
    cacheDir: join(tmpdir(), 'hayloft-test-cache'),
    firmwareDir: join(folder, 'firmware'),
    log: silent,
  });
}

function plan(domain: Partial<DomainSpec> = {}, uid: string = crypto.randomUUID()): GuestPlan {
  const disk = { path: rigImage('ipxe-iso'), format: 'raw' as const, virtualSizeBytes: 1, allocatedBytes: 1 };
  const vmi: VirtualMachineInstance = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    metadata: { name: 'vm', namespace: 'default', uid },
    spec: {
      domain: {
        memory: { guest: '128Mi' },
        devices: { disks: [{ name: 'cd', cdrom: {} }], interfaces: [{ name: 'default', masquerade: {} }] },
        ...domain,
      },
    },
  };
  return { vmi, volumes: new Map([['cd', disk]]) };
}

async function start(guestPlan: GuestPlan = plan()): Promise<Guest> {
  const guest = await hypervisor.start(guestPlan);
  started.push(guest);
  return guest;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-hv-'));
  hypervisor = open();
});

afterEach(async () => {
  for (const { pid } of started) {
    if (!isAlive(pid)) continue;
    process.kill(pid, 'SIGKILL');
    await until('a guest to end', () => !isAlive(pid));
  }
  started = [];
  rmSync(folder, { recursive: true, force: true });
});

describe('acceleration', () => {
  it('is what a real guest was seen to run with, or emulation with the reason', async () => {
    const { accelerator, reason, qemuVersion } = await hypervisor.acceleration();
    expect(['kvm', 'hvf', 'tcg']).toContain(accelerator);
    expect(reason === undefined).toBe(accelerator !== 'tcg');
    expect(qemuVersion).toMatch(/^\d+\.\d+/);
  });
});

describe('a trial', () => {
  it('leaves no guest for good when its engine is killed meanwhile: the next one clears it away', async () => {
    const abandoned = join(folder, 'trial-999999999-x');
    mkdirSync(abandoned);
    // A guest that stands still, as one does after an error inside KVM.
    const disk = join(abandoned, 'boot.img');
    writeFileSync(disk, Buffer.alloc(512));
    const hung = startProgram('qemu-system-x86_64', ['-S', '-display', 'none', '-drive', `file=${disk},format=raw`]);
    await until('it to run', () => qemuProcessesUsing(abandoned).length === 1);
    const qemu = await findQemu();
    const { works } = await tryGuest(qemu?.path ?? '', 'tcg', 'max', folder);
    expect(works).toBe(true);
    await until('it to be gone', () => !isAlive(hung.pid));
    expect(readdirSync(folder).filter((name) => name.startsWith('trial-'))).toEqual([]);
  });
});

describe('a guest', () => {
  it('runs, pauses, goes on, shows its screen and ends', async () => {
    const guest = await start();
    expect(await guest.state()).toBe('running');
    await guest.pause();
    expect(await guest.state()).toBe('paused');
    await guest.resume();
    expect(await guest.state()).toBe('running');
    const png = Buffer.from(await guest.screenshot());
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    await guest.kill();
    expect((await guest.ended).clean).toBe(true);
    expect(readdirSync(join(folder, 'run'))).toEqual([]);
  });

  it('begins paused where asked to', async () => {
    const paused = plan();
    paused.vmi.spec.startStrategy = 'Paused';
    const guest = await start(paused);
    expect(await guest.state()).toBe('paused');
  });

  it('tells a crash of its process from a shutdown', async () => {
    const guest = await start();
    process.kill(guest.pid, 'SIGKILL');
    const exit = await guest.ended;
    expect(exit.clean).toBe(false);
    expect(exit.message).toContain('unexpectedly');
  });

  it('greets on its VNC socket', async () => {
    const screen = await (await start()).vnc();
    const [greeting] = (await once(screen.resume(), 'data')) as [Buffer];
    expect(greeting.toString()).toMatch(/^RFB 003\.008/);
    screen.destroy();
  });

  it('is refused with QEMU’s own words, and leaves nothing behind', async () => {
    const broken = plan({ machine: { type: 'no-such-machine' } });
    await expect(hypervisor.start(broken)).rejects.toThrow(/unsupported machine type/);
    expect(readdirSync(join(folder, 'run'))).toEqual([]);
  });
});

describe('a serial line', () => {
  it('shows a late viewer what was printed before, and takes keys', async () => {
    const disk = rigImage('shell-disk');
    const copy = join(folder, 'shell.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', disk, '-F', 'qcow2', copy]);
    const shell = plan({ memory: { guest: '256Mi' }, devices: { disks: [{ name: 'root' }] } });
    const file = { path: copy, format: 'qcow2' as const, virtualSizeBytes: 1, allocatedBytes: 1 };
    const guest = await start({ ...shell, volumes: new Map([['root', file]]) });
    const first = await reader(guest);
    await until('the login', () => first.text().includes('login:'), 90_000);
    const late = await reader(guest);
    await until('the past', () => late.text().includes('login:'));
    late.stream.write('root\n');
    await until('the password prompt', () => late.text().includes('Password:'));
    expect(first.text()).toContain('Password:');
    await guest.powerDown();
    expect(await guest.ended).toEqual({ clean: true, message: 'The guest shut down.' });
  }, 150_000);
});

async function reader(guest: Guest): Promise<{ stream: NodeJS.WritableStream; text: () => string }> {
  const stream = await guest.serial();
  let text = '';
  stream.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
  return { stream, text: () => text };
}

/** A guest that obeys: up when it has said so on its serial line. On a busy computer it says so before anyone listens, and is reset to say it again. */
async function startObedient(uid?: string): Promise<Guest> {
  const disk = { path: rigImage('power-disk'), format: 'raw' as const, virtualSizeBytes: 1, allocatedBytes: 1 };
  const { vmi } = plan({ memory: { guest: '32Mi' }, devices: { disks: [{ name: 'root', disk: { readonly: true } }] } }, uid);
  const guest = await start({ vmi, volumes: new Map([['root', disk]]) });
  const line = await reader(guest);
  for (let said = false; !said; ) {
    said = await until('its word', () => line.text().includes('B'), 5000).catch(() => false);
    if (!said) await guest.reset();
  }
  return guest;
}

async function boots(guest: Guest, count: number): Promise<void> {
  const line = await reader(guest);
  await until(`boot ${count}`, () => line.text().split('B').length > count);
}

const press = (guest: Guest, key: string): Promise<unknown> =>
  guest.monitor.command('send-key', { keys: [{ type: 'qcode', data: key }] });

describe('the end of a guest', () => {
  it('is told as what it was: shut down from within, turned off, or ended by a signal', async () => {
    const within = await startObedient();
    await press(within, 'q');
    expect(await within.ended).toEqual({ clean: true, message: 'The guest shut down.' });

    const button = await startObedient();
    await button.powerDown();
    expect((await button.ended).message).toBe('The guest shut down.');

    const signal = await startObedient();
    process.kill(signal.pid, 'SIGTERM');
    expect(await signal.ended).toEqual({ clean: false, message: 'QEMU was ended by a signal.' });
  });

  it('is not a reset from within, nor a reboot by the power button', async () => {
    const guest = await startObedient();
    await press(guest, 'r');
    await boots(guest, 2);
    await guest.reboot(30_000);
    await boots(guest, 3);
    expect(await guest.state()).toBe('running');
    // Once it was begun anew, a shutdown is one again.
    await press(guest, 'q');
    expect((await guest.ended).clean).toBe(true);
  });
});

describe('adoption', () => {
  const away = async (uid: string): Promise<Guest> => {
    const guest = await startObedient(uid);
    await hypervisor.release();
    hypervisor = open();
    return guest;
  };

  it('finds a guest whose engine died before it noted that it had started it', async () => {
    const before = await away(crypto.randomUUID());
    rmSync(join(folder, 'run', before.uid, 'guest.json'));
    const [guest, ...others] = await hypervisor.adopt();
    expect(others).toEqual([]);
    expect([guest?.uid, guest?.pid]).toEqual([before.uid, before.pid]);
    expect(await guest?.state()).toBe('running');
    const screen = await guest?.vnc();
    screen?.destroy();
  });

  it('keeps a guest that does not answer, never starts it twice, and speaks to it as soon as it does', async () => {
    const before = await away(crypto.randomUUID());
    process.kill(before.pid, 'SIGSTOP');
    const [guest] = await hypervisor.adopt();
    expect(guest?.pid).toBe(before.pid);
    await expect(guest?.state()).rejects.toThrow('does not answer');

    const again = await open().start({ ...plan({}, before.uid) });
    expect(again.pid).toBe(before.pid);

    process.kill(before.pid, 'SIGCONT');
    await until('an answer', async () => (await guest?.state().catch(() => undefined)) === 'running');
    await guest?.kill();
    expect(isAlive(before.pid)).toBe(false);
  });

  it('ends a guest that does not answer when it is told to', async () => {
    const before = await away(crypto.randomUUID());
    process.kill(before.pid, 'SIGSTOP');
    const [guest] = await hypervisor.adopt();
    await guest?.kill();
    expect(isAlive(before.pid)).toBe(false);
    expect(readdirSync(join(folder, 'run'))).toEqual([]);
  });

  it('knows how a guest ended while no engine ran', async () => {
    const before = await away(crypto.randomUUID());
    const qmp = await QmpConnection.connect(join(folder, 'run', before.uid, 'qmp.sock'));
    await qmp.command('system_powerdown');
    await until('the guest to shut down', async () => {
      const { status } = (await qmp.command('query-status')) as { status: string };
      return status === 'shutdown';
    });
    qmp.close();
    const [guest] = await hypervisor.adopt();
    expect(await guest?.ended).toEqual({ clean: true, message: 'The guest shut down.' });
  });

  it('does not take a stranger with a guest’s process number for the guest', async () => {
    const before = await away(crypto.randomUUID());
    process.kill(before.pid, 'SIGKILL');
    await until('the process to end', () => !isAlive(before.pid));
    const stranger = startProgram('sleep', ['60']);
    const record = join(folder, 'run', before.uid, 'guest.json');
    writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), pid: stranger.pid }));
    expect(await hypervisor.adopt()).toEqual([]);
    expect(isAlive(stranger.pid)).toBe(true);
    await stranger.stop();
  });

  it('finds guests again whose engine was killed', async () => {
    const uid = crypto.randomUUID();
    const script = join(folder, 'engine.ts');
    const module = JSON.stringify(join(import.meta.dirname, 'hypervisor.ts'));
    const options = { runDir: join(folder, 'run'), cacheDir: join(tmpdir(), 'hayloft-test-cache'), firmwareDir: folder };
    writeFileSync(
      script,
      `import { createHypervisor } from ${module};
       const nothing = () => undefined;
       const hypervisor = createHypervisor({ ...${JSON.stringify(options)}, log: { info: nothing, warn: nothing, error: nothing } });
       const plan = ${JSON.stringify({ vmi: plan({ devices: {} }, uid).vmi })};
       const guest = await hypervisor.start({ ...plan, volumes: new Map() });
       console.log('started', guest.pid);
       setInterval(nothing, 1000);`,
    );
    const engine = startProgram(process.execPath, [script], { cwd: repository });
    const pid = Number((await engine.line(/^started (\d+)$/))[1]);
    await engine.stop('SIGKILL');
    expect(isAlive(pid)).toBe(true);

    started = await hypervisor.adopt();
    expect(started.map((guest) => [guest.uid, guest.pid])).toEqual([[uid, pid]]);
    expect(await started[0]?.state()).toBe('running');
  });

  it('clears away what a dead guest left', async () => {
    const guest = await start();
    await hypervisor.release();
    process.kill(guest.pid, 'SIGKILL');
    await until('the process to end', () => !isAlive(guest.pid));
    expect(existsSync(join(folder, 'run', guest.uid))).toBe(true);
    expect(await open().adopt()).toEqual([]);
    expect(readdirSync(join(folder, 'run'))).toEqual([]);
  });
});
