/** The tokens' contrasts, computed by WCAG 2's formula: text 4.5, what tells a control or a status apart 3. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('tokens.css', import.meta.url), 'utf8');

function token(name: string, theme: 'light' | 'dark'): string {
  const pair = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(css);
  const single = new RegExp(`--${name}: (#\\w{6})`).exec(css);
  const value = pair ? pair[theme === 'light' ? 1 : 2] : single?.[1];
  if (value === undefined) throw new Error(`No colour --${name}`);
  return value;
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ['surface-page', 'surface-card', 'surface-raised', 'surface-hover'];
const tones = ['good', 'busy', 'off', 'warning', 'bad'];
const pairs: [front: string, ground: string, least: number][] = [
  ...['text', 'text-soft', 'accent-text'].flatMap((front) =>
    [...grounds, 'accent-soft'].map((ground): [string, string, number] => [front, ground, 4.5]),
  ),
  ...grounds.map((ground): [string, string, number] => ['text-faint', ground, 4.5]),
  ...tones.flatMap((tone) =>
    [...grounds, `${tone}-soft`].map((ground): [string, string, number] => [tone, ground, 4.5]),
  ),
  ...tones.map((tone): [string, string, number] => ['text-soft', `${tone}-soft`, 4.5]),
  ['on-accent', 'accent', 4.5],
  ['on-accent', 'accent-hover', 4.5],
  ['on-bad', 'bad-fill', 4.5],
  ...['surface-page', 'surface-card', 'surface-raised'].flatMap((ground): [string, string, number][] => [
    ['focus', ground, 3],
    ['border-strong', ground, 3],
  ]),
];

describe.each(['light', 'dark'] as const)('the %s theme', (theme) => {
  it.each(pairs)('shows --%s on --%s with a contrast of at least %d', (front, ground, least) => {
    expect(contrast(token(front, theme), token(ground, theme))).toBeGreaterThanOrEqual(least);
  });
});

it('keeps motion at 150 ms and below', () => {
  const times = [...css.matchAll(/: (\d+)ms/g)].map((match) => Number(match[1]));
  expect(times.length).toBeGreaterThan(0);
  expect(Math.max(...times)).toBeLessThanOrEqual(150);
});
