/** What happens to a disk: it is full, or the end of the database's log is not what was written. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEngine, type RigEngine } from '../../rig/engine.ts';
import { randomFrom, type Random } from '../random.ts';
import { clear, settle, work } from './campaign.ts';
import { MARK, paths, World } from './world.ts';

/** Small enough to be filled in a moment, large enough for an engine, its guests' folders and some disks. */
const smallDiskMiB = 48;

/** Whether this user may mount the small file system that is to be filled. */
export const canFillADisk = (): boolean => process.platform === 'linux' && process.getuid?.() === 0;

/**
 * Fills the disk under the engine while it works, kills it there, and makes room again.
 * @throws Error when anything that was acknowledged is lost, or the engine does not say what is wrong
 */
export async function diskFullCampaign(seed: number, rounds: number, report: (line: string) => void): Promise<void> {
  const random = randomFrom(seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'hayloft-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${smallDiskMiB}m,mode=0700`, 'tmpfs', dataDir]);
  let engine: RigEngine | undefined;
  try {
    const world = new World({ disksMayFail: true });
    engine = await startEngine({ dataDir });
    for (let round = 0; round < rounds; round++) {
      const running = engine;
      const room = fill(dataDir, random);
      await work(running, world, random, () => running.program.stop('SIGKILL'), 400);
      // A full disk may keep the engine from starting; then it says so.
      const early = await startEngine({ dataDir }).catch((error: unknown) => String(error));
      if (typeof early === 'string' && !early.includes('"no-space"')) throw new Error(`round ${round}, seed ${seed}: ${early}`);
      room.free();
      engine = typeof early === 'string' ? await startEngine({ dataDir }) : early;
      await settle(engine, world, `full disk, round ${round}, seed ${seed}`);
      report(`full disk, round ${round}: ${typeof early === 'string' ? 'refused to start, and said why' : 'started on a full disk'}`);
      await work(engine, world, random, () => undefined, 400);
      await settle(engine, world, `after a full disk, round ${round}, seed ${seed}`);
    }
  } finally {
    if (engine) await clear(engine);
    // A tool that a killed engine had begun may still have a file open there.
    execFileSync('umount', ['-l', dataDir]);
    rmSync(dataDir, { recursive: true });
  }
}

/** Writes until nothing more fits, give or take a few blocks. */
function fill(dataDir: string, random: Random): { free(): void } {
  const path = join(dataDir, 'ballast');
  const file = openSync(path, 'w');
  for (const size of [2 ** 20, 4096]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
  closeSync(file);
  if (random.chance(0.5)) execFileSync('truncate', ['-s', `-${random.below(16) * 4096}`, path]);
  return { free: () => rmSync(path) };
}

/**
 * Kills the engine after a last change, and spoils the end of the database's log, as a power cut may: the last change
 * may be gone then, and nothing else.
 */
export async function spoiltLogCampaign(seed: number, rounds: number, report: (line: string) => void): Promise<void> {
  const random = randomFrom(seed);
  const dataDir = mkdtempSync(join(tmpdir(), 'hayloft-wal-'));
  const world = new World();
  let engine = await startEngine({ dataDir });
  try {
    for (let round = 0; round < rounds; round++) {
      const running = engine;
      await work(running, world, random, () => undefined, 600);
      await settle(running, world, `spoilt log, round ${round}, seed ${seed}`);
      await changeLast(running, world);
      await running.program.stop('SIGKILL');
      const how = spoil(join(dataDir, 'engine.db-wal'), random);
      engine = await startEngine({ dataDir });
      await settle(engine, world, `spoilt log (${how}), round ${round}, seed ${seed}`);
      report(`spoilt log, round ${round}: ${how}`);
    }
  } finally {
    await clear(engine);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function changeLast(engine: RigEngine, world: World): Promise<void> {
  const note = world.known.find(({ kind, exists }) => kind === 'note' && exists === 'yes');
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'last' }, data: {} };
  if (!note) {
    await engine.api('POST', paths.note, body);
    return;
  }
  const value = world.nextMark();
  note.marks.add(value);
  const patch = { metadata: { annotations: { [MARK]: value } } };
  await engine.api('PATCH', `${paths.note}/${note.name}`, patch, { 'content-type': 'application/merge-patch+json' });
}

/** The log's file format: a header of 32 bytes, then frames of 24 bytes and a page (sqlite.org/walformat.html). */
const headerBytes = 32;
const frameBytes = 24 + 4096;

function spoil(path: string, random: Random): string {
  if (!existsSync(path)) return 'there was no log';
  const file = openSync(path, 'r+');
  try {
    const frames = validFrames(file);
    if (frames === 0) return 'the log was empty';
    const at = headerBytes + (frames - 1) * frameBytes + random.below(frameBytes - 64);
    const noise = Buffer.from(Array.from({ length: 64 }, () => random.below(256)));
    writeSync(file, noise, 0, noise.length, at);
    return `64 bytes of frame ${frames} of the log`;
  } finally {
    closeSync(file);
  }
}

/** The log is used from its beginning again after a checkpoint: frames that count bear the header's salt. */
function validFrames(file: number): number {
  const header = Buffer.alloc(headerBytes);
  const { size } = fstatSync(file);
  if (readSync(file, header, 0, headerBytes, 0) < headerBytes) return 0;
  const salt = header.subarray(16, 24);
  const frame = Buffer.alloc(24);
  let count = 0;
  while (headerBytes + (count + 1) * frameBytes <= size) {
    readSync(file, frame, 0, frame.length, headerBytes + count * frameBytes);
    if (!frame.subarray(8, 16).equals(salt)) break;
    count += 1;
  }
  return count;
}
