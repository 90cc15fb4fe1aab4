import { describe, expect, it } from 'vitest';
import { RateMeter } from './rate-meter.ts';

describe('RateMeter', () => {
  it('knows nothing from one sample', () => {
    expect(new RateMeter().add(100, 0)).toBe(0);
  });

  it('forgets what was longer ago than its window', () => {
    const meter = new RateMeter();
    meter.add(0, 0);
    for (let second = 1; second <= 10; second++) meter.add(second * 1000, second * 1000);
    expect(meter.add(10_500, 11_000)).toBeCloseTo((10_500 - 8000) / 3, 5);
  });
});
