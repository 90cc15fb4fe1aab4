/** What happens to machines when the host goes down and comes back: the commands that the service's units run, for real. */
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { repository, startEngine, type RigEngine } from '../rig/engine.ts';
import { booted, makePowerMachine, readSerialLine, servePowerDisk, type PowerImages } from '../rig/power-machine.ts';
import { pressKey } from '../rig/press-key.ts';
import { qemuProcesses } from '../rig/processes.ts';
import { until } from '../rig/until.ts';

const instances = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances';
const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default';
let engine: RigEngine;
let images: PowerImages;

beforeAll(async () => {
  engine = await startEngine();
  images = await servePowerDisk();
  await makePowerMachine(engine, images, { name: 'sleeper', runStrategy: 'Always', annotations: { 'hayloft.io/host-shutdown': 'suspend' } });
  await makePowerMachine(engine, images, { name: 'polite', runStrategy: 'Manual' });
  await makePowerMachine(engine, images, { name: 'deaf', runStrategy: 'RerunOnFailure', graceSeconds: 1 });
  await engine.api('PUT', `${actions}/virtualmachines/polite/start`);
  for (const name of names) await runs(name);
});

afterAll(async () => {
  images.close();
  await engine.destroy();
});

const names = ['sleeper', 'polite', 'deaf'] as const;
const find = async (name: string): Promise<VirtualMachineInstance> => (await engine.api('GET', `${instances}/${name}`)).json<VirtualMachineInstance>();
const runs = (name: string): Promise<VirtualMachineInstance> =>
  until(`${name} to run`, async () => {
    const vmi = await find(name);
    return vmi.status?.phase === 'Running' && qemuProcesses(vmi.metadata.uid ?? '').length === 1 ? vmi : undefined;
  });
const guests = (): number => qemuProcesses(engine.dataDir).length;
const events = (name: string): string => engine.kubectl(['get', 'events', '--field-selector', `involvedObject.name=${name}`]);
const service = (...words: string[]): string =>
  execFileSync(process.execPath, [join(repository, 'dist', 'engine', 'main.js'), 'service', ...words, '--data-dir', engine.dataDir], { encoding: 'utf8' });

describe('before the host goes down', () => {
  it('machines come to rest: suspended, shut down, or turned off when they are late; afterwards they begin again', async () => {
    for (const name of names) await booted(engine, name);
    const before = await Promise.all(names.map(find));
    process.kill(qemuProcesses(before[2]?.metadata.uid ?? '')[0]?.pid ?? 0, 'SIGSTOP');
    expect(service('rest', '--within', '20').split('\n').sort()).toEqual(['', 'default/deaf: turned off', 'default/polite: shut down', 'default/sleeper: suspended']);
    expect(guests()).toBe(0);
    // Nothing is told as ended, and nothing starts again, whatever the run strategies say.
    for (const name of names) expect((await find(name)).status?.phase).toBe('Running');
    await engine.program.stop('SIGKILL');

    engine = await startEngine({ dataDir: engine.dataDir });
    const after = await Promise.all(names.map(runs));
    expect(after.map(({ metadata }) => metadata.uid)).toEqual(before.map(({ metadata }) => metadata.uid));
    for (const name of ['polite', 'deaf']) await booted(engine, name);
    expect(events('polite')).toContain('HostRestarted');
    const told = events('sleeper');
    expect(told).toContain('Suspended');
    expect(told).toContain('Restored');
    expect(readdirSync(join(engine.dataDir, 'saved'))).toEqual([]);

    // The suspended guest did not boot, and listens.
    const line = readSerialLine(engine, 'sleeper');
    await until('a reset from within', async () => {
      await pressKey(engine, 'sleeper', 'r');
      return line.text().includes('B');
    });
    line.close();
  });

  it('machines come to rest although their engine has died', async () => {
    for (const name of names) await booted(engine, name);
    await engine.program.stop('SIGKILL');
    expect(service('rest', '--within', '20')).toContain('default/sleeper: suspended');
    expect(guests()).toBe(0);
    engine = await startEngine({ dataDir: engine.dataDir });
    for (const name of names) await runs(name);
  });

  it('machines go on when it stays up after all', async () => {
    for (const name of ['polite', 'deaf']) await booted(engine, name);
    service('rest', '--within', '20');
    expect(guests()).toBe(0);
    service('wake');
    for (const name of names) await runs(name);
  });
});

describe('after a power cut', () => {
  it('machines that ran begin again, the manual one, too', async () => {
    for (const name of names) await runs(name);
    await engine.program.stop('SIGKILL');
    for (const { pid } of qemuProcesses(engine.dataDir)) process.kill(pid, 'SIGKILL');
    await until('all to be gone', () => guests() === 0);
    writeFileSync(join(engine.dataDir, 'host-run'), 'another boot\n');
    engine = await startEngine({ dataDir: engine.dataDir });
    for (const name of names) await runs(name);
  });
});

it('only the owner puts machines to rest', async () => {
  const refused = await engine.api('POST', '/hayloft/rest?seconds=1', undefined, { authorization: 'Bearer nobody' });
  expect(refused.status).toBe(401);
  expect((await engine.api('POST', '/hayloft/rest?seconds=x')).status).toBe(400);
});
