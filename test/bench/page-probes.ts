/** What is written down within the page while it is measured: when frames were drawn, and when labels were first seen. */
import type { Page } from 'playwright-core';

declare global {
  interface Window {
    benchFrames?: number[];
    /** When each change was on the screen, in milliseconds since the epoch. */
    benchLabels?: Map<number, number>;
    /** When the page was connected to the backend, on the same clock as the first row. */
    benchConnected?: number;
    /** When the first row was on the screen, in milliseconds since the page was asked for. */
    benchFirstRow?: number;
  }
}

/** To run in the page before anything else. */
export function probe(): void {
  const frames: number[] = (window.benchFrames = []);
  const labels = (window.benchLabels = new Map<number, number>());
  /** Calls back once the frame that is being made is drawn. */
  const drawn = (done: () => void): void => {
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = done;
      port2.postMessage(undefined);
    });
  };
  window.WebSocket = class extends WebSocket {
    constructor(address: string | URL) {
      super(address);
      this.addEventListener('open', () => (window.benchConnected ??= performance.now()));
    }
  };
  const frame = (at: number): void => {
    frames.push(at);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new MutationObserver((mutations) => {
    if (window.benchFirstRow === undefined && document.querySelector('[data-line]')) {
      window.benchFirstRow = 0;
      drawn(() => (window.benchFirstRow = performance.now()));
    }
    for (const { target } of mutations) {
      const number = /\bchange=(\d+)/.exec(target.textContent ?? '')?.[1];
      if (number === undefined || labels.has(Number(number))) continue;
      labels.set(Number(number), 0);
      drawn(() => labels.set(Number(number), performance.timeOrigin + performance.now()));
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

/** Milliseconds to the first row on the screen: since the page was asked for, and since it was connected to the backend. */
export async function firstRowTimes(page: Page): Promise<{ sinceOpened: number; sinceConnected: number }> {
  await page.waitForFunction(() => (window.benchFirstRow ?? 0) > 0, undefined, { timeout: 120_000 });
  return page.evaluate(() => {
    const { benchFirstRow = Number.NaN, benchConnected = Number.NaN } = window;
    return { sinceOpened: benchFirstRow, sinceConnected: benchFirstRow - benchConnected };
  });
}

/** Forgets the frames so far. */
export async function beginFrames(page: Page): Promise<void> {
  await page.evaluate(() => void window.benchFrames?.splice(0));
}

/** The time of each frame since, in milliseconds. */
export async function frameTimes(page: Page): Promise<number[]> {
  const at = await page.evaluate(() => window.benchFrames ?? []);
  return at.slice(1).map((time, place) => time - (at[place] ?? time));
}

export async function labelTimes(page: Page): Promise<ReadonlyMap<number, number>> {
  return new Map((await page.evaluate(() => [...(window.benchLabels ?? [])])).filter(([, at]) => at > 0));
}
