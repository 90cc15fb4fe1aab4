import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { dataFolder } from './data-folder.ts';

it.each([
  ['the flag', '/flag', { HAYLOFT_DATA_DIR: '/env', XDG_DATA_HOME: '/xdg' }, 'linux', '/flag'],
  ['the variable', undefined, { HAYLOFT_DATA_DIR: '/env', XDG_DATA_HOME: '/xdg' }, 'linux', '/env'],
  ['the XDG folder', undefined, { HAYLOFT_DATA_DIR: '', XDG_DATA_HOME: '/xdg' }, 'linux', '/xdg/hayloft'],
  ['its default, for a relative one', undefined, { XDG_DATA_HOME: 'xdg' }, 'linux', '/home/me/.local/share/hayloft'],
  ['the library of macOS', undefined, {}, 'darwin', '/home/me/Library/Application Support/Hayloft'],
] as const)('is %s', (_name, flag, env, platform, expected) => {
  expect(dataFolder(flag, env, platform, '/home/me')).toBe(expected);
});

it('makes a relative folder absolute', () => {
  expect(dataFolder('data', {})).toBe(resolve('data'));
});
