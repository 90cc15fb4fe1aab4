import { describe, expect, it } from 'vitest';
import { overcommitCondition, warningFor } from './judge.ts';

const GiB = 2 ** 30;
const host = { allocatableBytes: 8 * GiB, availableBytes: 4 * GiB };

describe('a start', () => {
  it('is not warned of while everything fits', () => {
    expect(warningFor(2 * GiB, 6 * GiB, host)).toBeUndefined();
  });

  it('is warned of when the host has less free than the machine may use', () => {
    expect(warningFor(5 * GiB, 0, host)).toMatch(/^The machine may use 5 GiB of memory, and 4 GiB of this computer's are free/);
  });

  it('is warned of when all together may use more than the host can give', () => {
    expect(warningFor(2 * GiB, 7 * GiB, host)).toMatch(/^With this one, machines may use 9 GiB of memory together, and this computer can give them 8 GiB/);
  });
});

describe('the node’s condition', () => {
  it('says how much was given, and whether that is too much', () => {
    expect(overcommitCondition(8 * GiB, host)).toMatchObject({ status: 'False', message: 'The running machines were given 8 GiB of the 8 GiB that machines can have.' });
    expect(overcommitCondition(9 * GiB, host)).toMatchObject({ status: 'True', reason: 'MachinesWereGivenMoreThanThereIs' });
  });
});
