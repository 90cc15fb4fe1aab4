/** The command palette as people use it: with keys alone. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Runs the command that begins with these words. */
export async function runByKeys(page: Page, command: string): Promise<void> {
  await page.keyboard.press('Control+k');
  const field = page.getByPlaceholder('Search machines, pages and actions');
  await field.waitFor();
  await page.keyboard.type(command);
  const chosen = page.locator('.palette-item[data-selected]');
  // The best match comes first, but one action's name may begin another's.
  for (let tries = 0; tries < 5 && !(await chosen.innerText()).startsWith(command); tries++) await page.keyboard.press('ArrowDown');
  expect(await chosen.innerText()).toMatch(new RegExp(`^${command}`));
  await page.keyboard.press('Enter');
  await field.waitFor({ state: 'detached' });
}
