/** Looks at a guest's screen as it is drawn in the page. */
import type { Page } from 'playwright-core';
import { until } from '../rig/until.ts';

export interface ScreenFacts {
  /** Share of pixels that are ISOLINUX's menu blue. */
  blue: number;
  /** Where the menu's selection bar is, as a share of the height; undefined when there is none. */
  selection: number | undefined;
}

/** What the console's canvas shows now; undefined when there is no canvas yet. */
export function lookAtScreen(page: Page): Promise<ScreenFacts | undefined> {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas');
    const context = canvas?.getContext('2d');
    if (!canvas || !context || canvas.width === 0) return undefined;
    const { width, height } = canvas;
    const { data } = context.getImageData(0, 0, width, height);
    let blue = 0;
    let selection: number | undefined;
    for (let y = 0; y < height; y++) {
      let grey = 0;
      for (let x = 0; x < width; x++) {
        const at = (y * width + x) * 4;
        const [r = 0, g = 0, b = 0] = [data[at], data[at + 1], data[at + 2]];
        if (r < 40 && g < 40 && b > 120) blue += 1;
        if (r > 140 && Math.abs(r - g) < 8 && Math.abs(g - b) < 8) grey += 1;
      }
      if (selection === undefined && grey > width * 0.5) selection = y / height;
    }
    return { blue: blue / (width * height), selection };
  });
}

/** Waits until the screen is as wanted. */
export function screenShows(page: Page, what: string, wanted: (facts: ScreenFacts) => boolean): Promise<ScreenFacts> {
  return until(what, async () => {
    const facts = await lookAtScreen(page);
    return facts !== undefined && wanted(facts) && facts;
  });
}
