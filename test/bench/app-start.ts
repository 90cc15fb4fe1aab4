/**
 * From `npm start` to a page that can be used, on the second start: everything is installed and built, and engine and
 * app begin anew. There is no peer that does the same; the goal of 2 s stands in its place.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endEngine } from '../rig/app.ts';
import { launchBrowser } from '../rig/browser.ts';
import { repository } from '../rig/engine.ts';
import { startProgram } from '../rig/process.ts';
import { median, type Measurement } from './measurement.ts';

const goalMs = 2000;
const runs = 5;

export async function appStart(): Promise<Measurement[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-app-'));
  const browser = await launchBrowser();
  try {
    const times: number[] = [];
    for (let run = 0; run <= runs; run++) {
      const begun = performance.now();
      const args = ['start', '--silent', '--', '--web', '--no-open', '--port', '0', '--data-dir', dataDir];
      // As a group: npm’s shell passes no signal on to the app.
      const program = startProgram('npm', args, { cwd: repository, detached: true });
      const [, url = ''] = await program.line(/^Hayloft is ready: (\S+)$/);
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(url);
      await page.getByRole('link', { name: 'Machines' }).click();
      await page.getByRole('link', { name: 'New machine' }).first().waitFor();
      // The first run makes certificates and keys: it is the first start, not the second.
      if (run > 0) times.push(performance.now() - begun);
      await context.close();
      await program.stop();
      await endEngine(join(dataDir, 'engine'));
    }
    return [
      {
        name: 'App start to interactive',
        unit: 'ms',
        ours: median(times),
        peer: goalMs,
        peerName: 'the goal itself',
        goal: { kind: 'at most', ratio: 1 },
        runs,
        note: 'Second start with a cold engine, npm included, in the web host; the browser itself is already open.',
      },
    ];
  } finally {
    await browser.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
