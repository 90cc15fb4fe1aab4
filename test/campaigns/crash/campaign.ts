/** Kills the engine, and guests, again and again while it works, and looks at what it finds when it comes back. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startEngine, type RigEngine } from '../../rig/engine.ts';
import { processes, qemuProcesses } from '../../rig/processes.ts';
import { randomFrom, type Random } from '../random.ts';
import { checkContents, findProblems, learn } from './checks.ts';
import { checkChains, checkMarks, writeMarks } from './machine-disks.ts';
import { operate } from './operations.ts';
import { unmerged } from './snapshot-checks.ts';
import { tidy } from './tidy.ts';
import { World } from './world.ts';

export interface CrashOptions {
  seed: number;
  /** How often the engine is killed. */
  engineKills: number;
  /** How often a guest's process is killed. */
  guestKills: number;
  report(line: string): void;
}

export interface CrashResult {
  engineKills: number;
  guestKills: number;
  operations: number;
}

/** How long everything may take to be as it should. */
const settleMs = 60_000;
/** Operations go on for at most this long before a kill. */
const longestMs = 1500;
const shortestMs = 4;
const workers = 3;
/** How often merges are waited for and all files are checked: that takes some seconds. */
const thorough = 0.1;

/** @throws Error with everything that is wrong, the seed, and the engine's last words */
export async function crashCampaign(options: CrashOptions): Promise<CrashResult> {
  const random = randomFrom(options.seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'hayloft-crash-'));
  const world = new World({ snapshots: true });
  const result: CrashResult = { engineKills: 0, guestKills: 0, operations: 0 };
  let engine = await startEngine({ dataDir });
  try {
    for (let round = 0; round < options.engineKills || result.guestKills < options.guestKills; round++) {
      const begun = performance.now();
      if (result.guestKills < options.guestKills && random.chance(0.5)) {
        result.operations += await work(engine, world, random, () => killGuest(dataDir, random));
        result.guestKills += 1;
      }
      if (result.engineKills < options.engineKills) {
        result.operations += await work(engine, world, random, () => engine.program.stop('SIGKILL'));
        result.engineKills += 1;
        if (random.chance(0.15)) await killWhileStarting(dataDir, random);
        engine = await startEngine({ dataDir });
      }
      const where = `round ${round}, seed ${options.seed}`;
      await settle(engine, world, where);
      await settleDisks(engine, world, random, random.chance(thorough), where);
      options.report(`round ${round}: ${result.operations} operations, ${world.known.filter(({ exists }) => exists === 'yes').length} objects, ${qemuProcesses(dataDir).length} guests, ${Math.round(performance.now() - begun)} ms`);
    }
    return result;
  } finally {
    await clear(engine);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Lets the workers do their worst, and does `kill` at a random moment. */
export async function work(
  engine: RigEngine,
  world: World,
  random: Random,
  kill: () => Promise<void> | void,
  leastMs = shortestMs,
): Promise<number> {
  let stopped = false;
  const all = Array.from({ length: workers }, () => operate(engine, world, random, () => stopped));
  const failed = Promise.all(all).then(() => undefined);
  // Short times are as likely as long ones: a log-uniform moment.
  await Promise.race([pause(leastMs * Math.exp(random.next() * Math.log(Math.max(1, longestMs / leastMs)))), failed]);
  await kill();
  stopped = true;
  return (await Promise.all(all)).reduce((sum, count) => sum + count, 0);
}

function killGuest(dataDir: string, random: Random): void {
  const guests = qemuProcesses(dataDir);
  if (guests.length > 0) process.kill(random.pick(guests).pid, 'SIGKILL');
}

/** The engine is killed on its way up, too. */
async function killWhileStarting(dataDir: string, random: Random): Promise<void> {
  const starting = startEngine({ dataDir }).catch(() => undefined);
  await pause(random.below(700));
  const found = processes().find(({ argv }) => argv.includes('--data-dir') && argv.includes(dataDir));
  if (found) process.kill(found.pid, 'SIGKILL');
  await starting;
}

/** Waits until nothing is wrong, and learns what was unsure. */
export async function settle(engine: RigEngine, world: World, where: string): Promise<void> {
  const end = performance.now() + settleMs;
  let problems = await findProblems(engine, world);
  while (problems.length > 0 && performance.now() < end) {
    if (world.snapshots) await tidy(engine);
    await pause(50);
    problems = await findProblems(engine, world);
  }
  problems.push(...(await checkContents(engine, world)));
  if (problems.length > 0) {
    throw new Error(`${where}:\n  ${problems.join('\n  ')}\n${lastWords(engine)}`);
  }
  await learn(engine, world);
}

/** What disks hold is right; then some of it is changed, and what is over is taken away here and there. */
async function settleDisks(engine: RigEngine, world: World, random: Random, isThorough: boolean, where: string): Promise<void> {
  const problems = await checkMarks(engine, world);
  if (isThorough) {
    const end = performance.now() + settleMs;
    let left = await unmerged(engine);
    while (left.length > 0 && performance.now() < end) {
      await pause(100);
      left = await unmerged(engine);
    }
    // Nothing is lost by it, either.
    problems.push(...left, ...(await checkMarks(engine, world)), ...(await checkChains(engine)));
  }
  if (problems.length > 0) throw new Error(`${where}:\n  ${problems.join('\n  ')}\n${lastWords(engine)}`);
  await writeMarks(engine, world, random);
  await tidy(engine, () => random.chance(0.5));
}

function lastWords({ dataDir }: RigEngine): string {
  return `The engine's last words:\n${readFileSync(join(dataDir, 'engine.log'), 'utf8').split('\n').slice(-30).join('\n')}`;
}

/** Nothing of a campaign stays, however it ended. */
export async function clear(engine: RigEngine): Promise<void> {
  const { dataDir } = engine;
  await engine.program.stop('SIGKILL');
  for (const { pid } of qemuProcesses(dataDir)) process.kill(pid, 'SIGKILL');
  while (qemuProcesses(dataDir).length > 0) await pause(20);
  for (const name of readdirSync(dataDir)) rmSync(join(dataDir, name), { recursive: true, force: true });
}
