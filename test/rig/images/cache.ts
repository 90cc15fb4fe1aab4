/** Built test images, kept in test/.cache until what they are made from changes. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '..', '.cache', 'images');

export interface Recipe {
  /** File name of the result. */
  name: string;
  /** The script that makes it: a change of it makes a new image. */
  script: string;
  /** More scripts that it is made by. */
  parts?: readonly string[];
  /** The files of the system that it is made from. */
  inputs: readonly string[];
  /** Makes it. `work` is an empty folder, removed afterwards. */
  build(work: string, result: string): void;
}

/** The path of the image, built now unless it was before. Safe to be asked for by several processes at once. */
export function cached(recipe: Recipe): string {
  const key = createHash('sha256').update(readFileSync(recipe.script)).update(readFileSync(import.meta.filename));
  // By what they say: each working tree has files of its own.
  for (const part of recipe.parts ?? []) key.update(readFileSync(part));
  for (const input of recipe.inputs) {
    const { size, mtimeMs } = statSync(input);
    key.update(`${input} ${size} ${mtimeMs}\n`);
  }
  const path = join(folder, key.digest('hex').slice(0, 12), recipe.name);
  if (existsSync(path)) return path;
  mkdirSync(join(path, '..'), { recursive: true });
  const work = mkdtempSync(join(tmpdir(), 'hayloft-image-'));
  const unfinished = `${path}.${process.pid}`;
  try {
    recipe.build(work, unfinished);
    renameSync(unfinished, path);
  } finally {
    rmSync(work, { recursive: true });
    rmSync(unfinished, { force: true });
  }
  return path;
}

/** The last file (by name: the newest version) that matches, or an error that names the Debian package to install. */
export function systemFile(pattern: string, debianPackage: string): string {
  const found = globSync(pattern).sort().at(-1);
  if (found === undefined) throw new Error(`${pattern} is missing: install the Debian package ${debianPackage}.`);
  return found;
}

/** Runs a tool without a shell; what it prints is shown only when it fails. */
export function tool(command: string, args: readonly string[], options: { cwd?: string; input?: string | Uint8Array; env?: NodeJS.ProcessEnv } = {}): Buffer {
  return execFileSync(command, args, { ...options, stdio: 'pipe', maxBuffer: 1 << 28 });
}
