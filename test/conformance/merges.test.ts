/** What deleted snapshots leave is merged, while the machine runs and while it is off, also where the engine is killed in the middle. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';

let engine: RigEngine;

const takes = (name: string): void => {
  const source = { apiGroup: 'kubevirt.io', kind: 'VirtualMachine', name: 'pear' };
  engine.kubectl(['apply', '-f', '-'], stringify({ apiVersion: 'snapshot.kubevirt.io/v1beta1', kind: 'VirtualMachineSnapshot', metadata: { name }, spec: { source } }));
  engine.kubectl(['wait', '--for=condition=Ready', `vmsnapshot/${name}`, '--timeout=30s']);
};
const removes = (name: string): string => engine.kubectl(['delete', `vmsnapshot/${name}`, '--timeout=30s']);
/** Without what is still being made. */
const files = (): string[] => readdirSync(join(engine.dataDir, 'disks', 'default')).filter((name) => !name.includes('.partial')).sort();
const untilFiles = (count: number): Promise<true> => until(`${count} files (there are ${files().join(', ')})`, () => files().length === count || false, 60_000).then(() => true);
const start = async (): Promise<GuestShell> => {
  engine.kubectl(['patch', 'vm', 'pear', '--type=merge', '-p', '{"spec":{"runStrategy":"Always"}}']);
  engine.kubectl(['wait', '--for=condition=Ready', 'vm/pear', '--timeout=60s']);
  return openGuestShell(engine, 'pear');
};
const stop = async (): Promise<void> => {
  engine.kubectl(['patch', 'vm', 'pear', '--type=merge', '-p', '{"spec":{"runStrategy":"Halted"}}']);
  await until('the machine to stop', () => engine.kubectl(['get', 'vmi', 'pear', '--ignore-not-found']) === '');
};
const write = async (shell: GuestShell, name: string, mebibytes: number): Promise<string> =>
  shell.run(`dd if=/dev/urandom of=/data/${name} bs=1M count=${mebibytes} 2>/dev/null; sync; sha256sum </data/${name}`);
const sum = (shell: GuestShell, name: string): Promise<string> => shell.run(`sha256sum </data/${name}`);
const check = (): void => {
  for (const name of files()) execFileSync('qemu-img', ['check', '-q', join(engine.dataDir, 'disks', 'default', name)]);
};

beforeAll(async () => {
  engine = await startEngine();
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
  engine.kubectl(['apply', '-f', '-'], stringify({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'pear' },
    spec: {
      runStrategy: 'Halted',
      template: {
        spec: {
          terminationGracePeriodSeconds: 0,
          domain: { memory: { guest: '256Mi' }, devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }] } },
          volumes: [{ name: 'root', dataVolume: { name: 'root' } }],
        },
      },
    },
  })); // prettier-ignore
});

afterAll(() => engine.destroy());

describe('what deleted snapshots leave', () => {
  it('is merged below a running guest, and into what it writes to when it is off', async () => {
    let shell = await start();
    const one = await write(shell, 'one', 6);
    takes('first');
    const two = await write(shell, 'two', 2);
    takes('second');
    const three = await write(shell, 'three', 1);
    expect(files()).toHaveLength(3);
    removes('first');
    await untilFiles(2);
    expect([await sum(shell, 'one'), await sum(shell, 'two'), await sum(shell, 'three')]).toEqual([one, two, three]);

    // Again, over what has taken another's name: chains do not grow, however long the machine runs.
    for (const round of [1, 2, 3]) {
      takes(`next-${round}`);
      await write(shell, 'round', 1);
      removes(round === 1 ? 'second' : `next-${round - 1}`);
      await untilFiles(2);
    }
    const round = await sum(shell, 'round');
    expect(engine.kubectl(['get', 'pvc', 'root', '-o', 'jsonpath={.status.conditions}'])).toBe('');
    removes('next-3');
    shell.close();
    await stop();
    await untilFiles(1);
    check();
    shell = await start();
    const found = [];
    for (const name of ['one', 'two', 'three', 'round']) found.push(await sum(shell, name));
    expect(found).toEqual([one, two, three, round]);
    shell.close();
    await stop();
  }, 300_000);

  it('is merged in the end where the engine is killed meanwhile, and nothing is lost', async () => {
    const sums = new Map<string, string>();
    for (const ms of [0, 40]) {
      const shell = await start();
      takes('old');
      sums.set(`early-${ms}`, await write(shell, `early-${ms}`, 2));
      takes('young');
      sums.set(`late-${ms}`, await write(shell, `late-${ms}`, 1));
      removes('old');
      await pause(ms);
      await engine.program.stop('SIGKILL');
      engine = await startEngine({ dataDir: engine.dataDir });
      await untilFiles(2);
      shell.close();
      await stop();
      // The rest while it is off, and once more with a kill.
      removes('young');
      await pause(ms);
      await engine.program.stop('SIGKILL');
      engine = await startEngine({ dataDir: engine.dataDir });
      await untilFiles(1);
      check();
    }
    const shell = await start();
    for (const [name, right] of sums) expect([name, await sum(shell, name)]).toEqual([name, right]);
    shell.close();
  }, 600_000);
});
