import { describe, expect, it } from 'vitest';
import { nameProblem, uniqueName } from './names.ts';

describe('nameProblem', () => {
  it.each(['a', 'web-1', 'x'.repeat(63)])('takes %s', (name) => {
    expect(nameProblem(name)).toBeUndefined();
  });

  it.each(['', 'Web', 'a_b', '-a', 'a-', 'x'.repeat(64), 'a.b', 'ä'])('refuses "%s"', (name) => {
    expect(nameProblem(name)).toMatch(/\.$/);
  });
});

describe('uniqueName', () => {
  it.each([
    ['Debian 12.5 (amd64).iso', [], 'debian-12-5-amd64-iso'],
    ['Über', [], 'uber'],
    ['…', [], 'unnamed'],
    ['web', ['web', 'web-2'], 'web-3'],
  ])('makes a name of %s', (text, taken, name) => {
    expect(uniqueName(text, taken)).toBe(name);
    expect(nameProblem(name)).toBeUndefined();
  });

  it('leaves room for what is appended', () => {
    expect(uniqueName('x'.repeat(100), []).length).toBeLessThanOrEqual(55);
  });
});
