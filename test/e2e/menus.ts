/** Menus as people use them. */
import type { Locator, Page } from 'playwright-core';
import { until } from '../rig/until.ts';

/** Chooses an entry of the open menu, or of one of those that open from it. */
export async function choose(page: Page, action: string | RegExp): Promise<void> {
  await (await reach(page, action)).click();
}

/** @returns an entry of the open menu, or of one of those that open from it, which then is open */
export async function reach(page: Page, action: string | RegExp): Promise<Locator> {
  const item = page.getByRole('menuitem', { name: action });
  for (const further of ['More about power', 'Copies and backups', 'Change']) {
    if ((await item.count()) > 0) break;
    const submenu = page.getByRole('menuitem', { name: further, exact: true });
    if ((await submenu.count()) === 0) continue;
    await submenu.focus();
    await page.keyboard.press('ArrowRight');
    await until(`${further} to open`, async () => (await submenu.getAttribute('aria-expanded')) === 'true' && (await page.getByRole('menu').count()) > 1);
    if ((await item.count()) === 0) await page.keyboard.press('ArrowLeft');
  }
  return item;
}
