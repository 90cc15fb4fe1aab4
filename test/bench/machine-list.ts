/**
 * The list of 10,000 machines in a real browser: how soon its first rows are seen, how it scrolls while 50 machines change
 * a second, and how long a change takes from the API to the screen. The machines are in the real engine's store, all of
 * them off. `kubectl get vm -A` against the same engine stands beside the first rows.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { endEngine, startApp, type RigApp } from '../rig/app.ts';
import { connectApp, signIn } from '../rig/app-channel.ts';
import { launchBrowser } from '../rig/browser.ts';
import type { EngineClient } from '../rig/engine-client.ts';
import { fillStore } from '../rig/many-machines.ts';
import { changesPerSecond, MachineChanges } from './machine-changes.ts';
import { median, type Measurement } from './measurement.ts';
import { beginFrames, firstRowTimes, frameTimes, labelTimes, probe } from './page-probes.ts';

const count = 10_000;
const runs = 5;
const secondsOfChanges = 20;
const secondsOfScrolling = 10;
const machinesInSight = 12;
/** Frames come every 16.67 ms, give or take the clock's grain. */
const browserHeadroomMs = 0.1;

export async function machineList(): Promise<Measurement[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-list-'));
  const engineDir = join(dataDir, 'engine');
  const browser = await launchBrowser();
  let app: RigApp | undefined;
  try {
    await fillStore(engineDir, count);
    const connected: number[] = [];
    const opened: number[] = [];
    const kubectl: number[] = [];
    for (let run = 0; run <= runs; run++) {
      app = await startApp({ dataDir });
      const engine = await app.engine();
      await reachesEngine(app);
      const page = await openList(await browser.newContext({ viewport: { width: 1280, height: 800 } }), app, '');
      const { sinceOpened, sinceConnected } = await firstRowTimes(page);
      const asked = performance.now();
      engine.kubectl(['get', 'vm', '-A']);
      // The first run fills what the system keeps in memory.
      if (run > 0) {
        connected.push(sinceConnected);
        opened.push(sinceOpened);
        kubectl.push(performance.now() - asked);
      }
      if (run === runs) break;
      await page.context().close();
      await app.stop();
    }
    if (!app) throw new Error('There was no run.');
    const engine = await app.engine();
    const page = await openList(await browser.newContext({ viewport: { width: 1280, height: 800 } }), app, 'columns=status,name,labels');
    await firstRowTimes(page);
    const frames = await scroll(page, engine);
    const pixels = await follow(page, engine);
    const note = `${count} machines, ${changesPerSecond} changes a second; Chromium draws in software here.`;
    return [
      { name: 'List of 10,000: connected to first rows', unit: 'ms', ours: median(connected), peer: 1000, peerName: 'the goal itself', goal: { kind: 'at most', ratio: 1 }, runs },
      { name: 'List of 10,000: page opened to first rows', unit: 'ms', ours: median(opened), peer: median(kubectl), peerName: 'kubectl get vm -A', goal: { kind: 'at most', ratio: 1 }, runs, note: 'kubectl prints all rows, page by page.' },
      { name: 'List of 10,000: frame while scrolling, p95', unit: 'ms', ours: percentile(frames, 0.95), peer: 16.7 + browserHeadroomMs, peerName: 'the goal itself', goal: { kind: 'at most', ratio: 1 }, runs: frames.length, note },
      { name: 'List of 10,000: event to pixel, p99', unit: 'ms', ours: percentile(pixels, 0.99), peer: 100, peerName: 'the goal itself', goal: { kind: 'at most', ratio: 1 }, runs: pixels.length, note },
    ];
  } finally {
    await browser.close();
    await app?.stop();
    await endEngine(engineDir);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Waits until the app has reached its engine: what follows is measured from there. */
async function reachesEngine(app: RigApp): Promise<void> {
  const { client, close } = await connectApp(app.url);
  await new Promise<void>((resolve, reject) => {
    const look = (clusters: { state: string }[]): void => {
      if (clusters.some(({ state }) => state === 'ready')) resolve();
    };
    client.subscribe('clusters', {}, { onSnapshot: look, onChanges: look, onError: reject });
  });
  close();
}

async function openList(context: BrowserContext, app: RigApp, query: string): Promise<Page> {
  const { origin, cookie } = await signIn(app.url);
  await context.addCookies(cookie.split('; ').map((pair) => {
    const [name = '', value = ''] = pair.split('=');
    return { name, value, url: origin };
  }));
  const page = await context.newPage();
  await page.addInitScript(probe);
  await page.goto(`${origin}/#/machines${query === '' ? '' : `?${query}`}`);
  return page;
}

/** @returns the time of each frame while the wheel turns, in milliseconds */
async function scroll(page: Page, engine: EngineClient): Promise<number[]> {
  const changes = await MachineChanges.begin(engine, { count, inSight: 0 });
  await page.mouse.move(700, 500);
  await beginFrames(page);
  const end = performance.now() + secondsOfScrolling * 1000;
  while (performance.now() < end) await page.mouse.wheel(0, 120);
  const times = await frameTimes(page);
  await changes.end();
  return times;
}

/** @returns how long each change of a row in sight took from a watch's event to the screen, in milliseconds */
async function follow(page: Page, engine: EngineClient): Promise<number[]> {
  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 0));
  const changes = await MachineChanges.begin(engine, { count, inSight: machinesInSight });
  await new Promise((resolve) => setTimeout(resolve, secondsOfChanges * 1000));
  await changes.end();
  const seen = await labelTimes(page);
  const times = [...changes.events].flatMap(([number, at]) => {
    const shown = seen.get(number);
    return shown === undefined ? [] : [shown - at];
  });
  // A change that is overtaken by the next of the same machine is never seen; that must be rare.
  if (times.length < changes.events.size * 0.98) throw new Error(`Of ${changes.events.size} changes only ${times.length} were seen.`);
  return times;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
