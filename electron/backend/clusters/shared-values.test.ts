import { describe, expect, it } from 'vitest';
import { SharedValues } from './shared-values.ts';

describe('values that many objects share', () => {
  it('are one copy of what is the same', () => {
    const shared = new SharedValues();
    const labels = shared.object({ app: 'shop' });
    expect(shared.object({ app: 'shop' })).toBe(labels);
    expect(shared.object({ app: 'cellar' })).not.toBe(labels);
  });

  it('leave an object as it was, to those who read it', () => {
    const condition = { type: 'Ready', status: 'True', message: 'x'.repeat(100), lastProbeTime: null };
    expect(new SharedValues().texts({ ...condition })).toEqual(condition);
  });

  it('forget what they have when it is too much, and go on', () => {
    const shared = new SharedValues();
    const first = shared.object({ number: 0 });
    for (let number = 1; number < 5000; number++) shared.object({ number });
    expect(shared.object({ number: 0 })).toEqual(first);
    expect(shared.object({ number: 0 })).not.toBe(first);
  });
});
