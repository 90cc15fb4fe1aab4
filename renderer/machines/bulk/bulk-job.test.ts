import { describe, expect, it } from 'vitest';
import { HayloftError } from '#shared/contract/errors.ts';
import type { Machine } from '#shared/contract/machines.ts';
import { sampleMachine } from '../list/sample-machine.ts';
import { BulkJob } from './bulk-job.ts';

const machines = ['a', 'b', 'c'].map((name) => sampleMachine(name));
const states = (job: BulkJob): string[] => job.rows.map(({ machine, state }) => `${machine.name} ${state}`);

function jobOf(run: (machine: Machine) => Promise<void>, reason: (machine: Machine) => string | undefined = () => undefined): BulkJob {
  return new BulkJob(machines, { reason, run, changed: () => undefined });
}

describe('an action on several machines', () => {
  it('tells of each how it fared, and goes on after a failure', async () => {
    const job = jobOf(({ name }) => (name === 'b' ? Promise.reject(new HayloftError('forbidden', 'You may not.', { hint: 'Ask.' })) : Promise.resolve()));
    await job.start();
    expect(states(job)).toEqual(['a done', 'b failed', 'c done']);
    expect(job.rows[1]).toMatchObject({ reason: 'You may not.', hint: 'Ask.' });
    expect(job.over).toBe(true);
  });

  it('leaves alone what cannot have it, and says why', async () => {
    const asked: string[] = [];
    const job = jobOf(
      ({ name }) => Promise.resolve(void asked.push(name)),
      ({ name }) => (name === 'a' ? 'It is running already.' : undefined),
    );
    await job.start();
    expect(states(job)).toEqual(['a skipped', 'b done', 'c done']);
    expect(asked).toEqual(['b', 'c']);
  });

  it('tries again only what failed', async () => {
    const asked: string[] = [];
    let broken = true;
    const job = jobOf(({ name }) => {
      asked.push(name);
      return broken && name === 'c' ? Promise.reject(new Error('no')) : Promise.resolve();
    });
    await job.start();
    broken = false;
    await job.retry();
    expect(states(job)).toEqual(['a done', 'b done', 'c done']);
    expect(asked).toEqual(['a', 'b', 'c', 'c']);
  });

  it('asks for a few at a time', async () => {
    let working = 0;
    let most = 0;
    const many = Array.from({ length: 40 }, (_, at) => sampleMachine(`m-${at}`));
    const job = new BulkJob(many, {
      reason: () => undefined,
      run: async () => {
        working += 1;
        most = Math.max(most, working);
        await Promise.resolve();
        working -= 1;
      },
      changed: () => undefined,
    });
    await job.start();
    expect(job.count('done')).toBe(40);
    expect(most).toBeLessThanOrEqual(6);
  });
});
