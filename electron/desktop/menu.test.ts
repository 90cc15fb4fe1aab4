import { expect, it } from 'vitest';
import { menuTemplate } from './menu.ts';

const actions = { openDataFolder: () => undefined, openLogs: () => undefined };

it.each(['linux', 'win32', 'darwin'] as const)('leaves the developer tools out of an installed app on %s', (platform) => {
  expect(JSON.stringify(menuTemplate(platform, true, actions))).toContain('toggleDevTools');
  expect(JSON.stringify(menuTemplate(platform, false, actions))).not.toContain('toggleDevTools');
});

it.each(['linux', 'win32'] as const)('binds no key on %s that a terminal needs', (platform) => {
  const roles = JSON.stringify(menuTemplate(platform, true, actions));
  // These roles bring Ctrl-W and Ctrl-R along.
  for (const role of ['"close"', '"fileMenu"', '"windowMenu"', '"viewMenu"', '"reload"']) expect(roles).not.toContain(role);
});
