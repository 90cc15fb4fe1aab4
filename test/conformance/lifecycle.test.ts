/** Run strategies, power and its refusals, on a guest that obeys the power button and a few keys. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunStrategy, VirtualMachine, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import type { Answer } from '../rig/engine-client.ts';
import { booted, makePowerMachine, servePowerDisk, type PowerImages } from '../rig/power-machine.ts';
import { pressKey } from '../rig/press-key.ts';
import { qemuProcesses } from '../rig/processes.ts';
import { until } from '../rig/until.ts';

const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
const instances = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances';
const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default';
let engine: RigEngine;
let images: PowerImages;

beforeAll(async () => {
  engine = await startEngine();
  images = await servePowerDisk();
});

afterAll(async () => {
  images.close();
  await engine.destroy();
});

const act = (kind: 'virtualmachines' | 'virtualmachineinstances', name: string, action: string, body?: unknown): Promise<Answer> =>
  engine.api('PUT', `${actions}/${kind}/${name}/${action}`, body);
const onMachine = (name: string, action: string, body?: unknown): Promise<Answer> => act('virtualmachines', name, action, body);
const onGuest = (name: string, action: string, body?: unknown): Promise<Answer> => act('virtualmachineinstances', name, action, body);

async function find<T extends KubeObject>(path: string): Promise<T | undefined> {
  const answer = await engine.api('GET', path);
  return answer.status === 200 ? answer.json<T>() : undefined;
}
const vm = (name: string): Promise<VirtualMachine | undefined> => find(`${machines}/${name}`);
const vmi = (name: string): Promise<VirtualMachineInstance | undefined> => find(`${instances}/${name}`);

const make = (name: string, runStrategy: RunStrategy, graceSeconds = 30): Promise<void> =>
  makePowerMachine(engine, images, { name, runStrategy, graceSeconds });

/** Resolves to the running instance, whose guest is up and listens. */
async function runs(name: string, not?: string): Promise<VirtualMachineInstance> {
  const found = await until(`${name} to run`, async () => {
    const candidate = await vmi(name);
    return candidate?.status?.phase === 'Running' && candidate.metadata.uid !== not ? candidate : undefined;
  });
  return found;
}

const shows = (name: string, status: string): Promise<unknown> =>
  until(`${name} to be ${status}`, async () => (await vm(name))?.status?.printableStatus === status);
const processOf = (instance: VirtualMachineInstance): number | undefined => qemuProcesses(instance.metadata.uid ?? '')[0]?.pid;
const events = (name: string): string => engine.kubectl(['get', 'events', '--field-selector', `involvedObject.name=${name}`]);

describe('a stop', () => {
  it('presses the power button, and the guest goes by itself', async () => {
    await make('polite', 'Manual', 60);
    expect((await onMachine('polite', 'start')).status).toBe(202);
    const life = await runs('polite');
    const phases = life.status?.phaseTransitionTimestamps?.map(({ phase }) => phase);
    expect(phases).toEqual(['Pending', 'Scheduling', 'Scheduled', 'Running']);
    await booted(engine, 'polite');
    expect((await onMachine('polite', 'stop')).status).toBe(202);
    await shows('polite', 'Stopped');
    expect(processOf(life)).toBeUndefined();
    expect(events('polite')).toMatch(/ShuttingDown.*Signaled Graceful Shutdown/);
    expect(events('polite')).toMatch(/Stopped.*The guest shut down/);
    expect((await vm('polite'))?.spec.runStrategy).toBe('Manual');
    expect((await onMachine('polite', 'stop')).status).toBe(409);
  });

  it('turns a guest off that does not hear, when its grace period is over, even if the engine was killed meanwhile', async () => {
    await make('deaf', 'Always', 3);
    const life = await runs('deaf');
    const pid = processOf(life) ?? 0;
    process.kill(pid, 'SIGSTOP');
    expect((await onMachine('deaf', 'stop')).status).toBe(202);
    await engine.program.stop('SIGKILL');
    engine = await startEngine({ dataDir: engine.dataDir });
    await shows('deaf', 'Stopped');
    expect(processOf(life)).toBeUndefined();
  });
});

describe('run strategies', () => {
  it('RerunOnFailure: a shutdown from within stays one, a crash does not', async () => {
    await make('rerun', 'RerunOnFailure');
    const first = await runs('rerun');
    process.kill(processOf(first) ?? 0, 'SIGKILL');
    await shows('rerun', 'CrashLoopBackOff');
    const failing = await vm('rerun');
    expect(failing?.status?.startFailure?.consecutiveFailCount).toBe(1);
    expect(failing?.status?.stateChangeRequests).toEqual([{ action: 'Start' }]);
    const second = await runs('rerun', first.metadata.uid);
    await powerOffFromWithin('rerun', second);
    await shows('rerun', 'Stopped');
    expect(await vmi('rerun')).toBeUndefined();
    expect((await onMachine('rerun', 'start')).status).toBe(202);
    await runs('rerun', second.metadata.uid);
  });

  it('Once: what ended stays, as what it was', async () => {
    await make('once', 'Once');
    const life = await runs('once');
    expect((await onMachine('once', 'start')).status).toBe(409);
    expect((await onMachine('once', 'restart')).status).toBe(409);
    await powerOffFromWithin('once', life);
    await until('its end', async () => (await vmi('once'))?.status?.phase === 'Succeeded');
    expect((await onMachine('once', 'stop')).status).toBe(202);
    await until('it to be halted', async () => (await vmi('once')) === undefined);
    expect((await vm('once'))?.spec.runStrategy).toBe('Halted');
  });

  it('Halted: starts paused where asked to, and then always runs', async () => {
    await make('sleepy', 'Halted');
    expect((await onMachine('sleepy', 'start', { dryRun: ['All'] })).status).toBe(202);
    expect((await onMachine('sleepy', 'start', { paused: true })).status).toBe(202);
    await shows('sleepy', 'Paused');
    expect((await vm('sleepy'))?.spec.runStrategy).toBe('Always');
    expect((await vm('sleepy'))?.status?.conditions?.find(({ type }) => type === 'Paused')?.reason).toBe('PausedByUser');
    expect((await onGuest('sleepy', 'softreboot')).status).toBe(409);
    expect((await onGuest('sleepy', 'unpause', { dryRun: ['All'] })).status).toBe(200);
    expect((await vm('sleepy'))?.status?.printableStatus).toBe('Paused');
    expect((await onGuest('sleepy', 'unpause')).status).toBe(200);
    await shows('sleepy', 'Running');
  });
});

describe('a reboot', () => {
  it('keeps the instance: soft, hard, and from within', async () => {
    await make('boots', 'Always');
    const life = await runs('boots');
    const pid = processOf(life);
    await booted(engine, 'boots');
    expect((await onGuest('boots', 'softreboot')).status).toBe(200);
    await booted(engine, 'boots', 2);
    expect((await onGuest('boots', 'reset')).status).toBe(200);
    await booted(engine, 'boots', 3);
    expect(events('boots')).toMatch(/Reset/);
    await press('boots', 'r', () => events('boots').includes('Rebooted'));
    const after = await runs('boots');
    expect(after.metadata.uid).toBe(life.metadata.uid);
    expect(processOf(after)).toBe(pid);
  });
});

describe('a panic of the guest’s kernel', () => {
  it('is a failure, told as what it was', async () => {
    await make('panics', 'Once');
    const life = await runs('panics');
    await press('panics', 'p', () => processOf(life) === undefined);
    const ended = await until('its end', async () => {
      const found = await vmi('panics');
      return found?.status?.phase === 'Failed' ? found : undefined;
    });
    expect(ended.status?.reason).toBe('The guest crashed (kernel panic).');
    expect(engine.kubectl(['describe', 'vmi', 'panics'])).toMatch(/Warning\s+Stopped[^]*The guest crashed \(kernel panic\)/);
  });
});

describe('what cannot be done', () => {
  it('is refused with its reason and the right code', async () => {
    await make('plain', 'Always');
    await runs('plain');
    const migrate = await onMachine('plain', 'migrate');
    expect(migrate.status).toBe(409);
    expect(migrate.json<{ message: string }>().message).toContain('nowhere to migrate to');
    expect((await onMachine('nobody', 'migrate')).status).toBe(404);
    expect((await onMachine('plain', 'memorydump', { claimName: 'x' })).status).toBe(400);
    expect((await onMachine('plain', 'stop', { gracePeriod: -1 })).status).toBe(400);
    expect((await onMachine('plain', 'stop', { gracePeriod: 0, nonsense: 1 })).text).toContain('nonsense');
    expect((await onMachine('plain', 'restart', { gracePeriodSeconds: 5 })).status).toBe(400);
    expect((await onMachine('plain', 'start', { dryRun: ['Some'] })).status).toBe(400);
    expect((await vm('plain'))?.status?.printableStatus).toBe('Running');
  });
});

/** Presses a key (see power-disk.ts) until it shows; one that comes before the guest has booted is not heard. */
/** Presses a key until it is heard. One that is pressed while the firmware looks for a keyboard costs the guest its keyboard. */
async function press(name: string, key: string, done: () => boolean): Promise<void> {
  await booted(engine, name);
  await until(`${name} to hear ${key}`, async () => {
    if (done()) return true;
    await pressKey(engine, name, key).catch(() => undefined);
    return undefined;
  });
}

const powerOffFromWithin = (name: string, life: VirtualMachineInstance): Promise<void> => press(name, 'q', () => processOf(life) === undefined);
