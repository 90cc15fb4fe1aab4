/** The real app in its web host, with a data folder and an engine of its own. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectEngine, type EngineClient } from './engine-client.ts';
import { repository } from './engine.ts';
import { processes } from './processes.ts';
import { startProgram, type RunningProgram } from './process.ts';
import { until } from './until.ts';

export interface RigApp {
  program: RunningProgram;
  dataDir: string;
  /** The address with its token, to open in a browser. */
  url: string;
  /** The engine that the app started on this computer. */
  engine(): Promise<EngineClient>;
  /** Stops the app alone: its engine and its machines go on. */
  stop(): Promise<void>;
  /** Removes every machine, ends app and engine, and removes the folder. */
  destroy(): Promise<void>;
}

export interface AppOptions {
  dataDir?: string;
  env?: NodeJS.ProcessEnv;
  /** Whole paths of programs that are not there for the app and its engine. Takes root: a mount namespace hides them. */
  hidden?: readonly string[];
}

/** Starts dist/web (which must be up to date) and waits for its ready line. */
export async function startApp(options: AppOptions = {}): Promise<RigApp> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'hayloft-app-'));
  const main = join(repository, 'dist', 'web', 'main.js');
  const [command = '', ...args] = [
    ...hiding(options.hidden ?? []),
    ...[process.execPath, main, '--no-open', '--port', '0', '--data-dir', dataDir],
  ];
  const program = startProgram(command, args, {
    env: { ...process.env, ...options.env },
  });
  const [, url = ''] = await program.line(/^Hayloft is ready: (\S+)$/);
  const engineDir = join(dataDir, 'engine');
  const engine = (): Promise<EngineClient> =>
    until('the engine’s kubeconfig', () => existsSync(join(engineDir, 'kubeconfig')) && connectEngine(join(engineDir, 'kubeconfig')));
  return {
    program,
    dataDir,
    url,
    engine,
    stop: () => program.stop(),
    destroy: async () => {
      await (await engine()).removeMachines();
      await program.stop();
      await endEngine(engineDir);
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The words that run a command without these programs: an empty device in the place of each cannot be executed. */
function hiding(paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const mounts = paths.map((path) => `mount --bind /dev/null ${path}`).join(' && ');
  return ['unshare', '--mount', 'sh', '-c', `${mounts} && exec "$@"`, 'sh'];
}

/** Process id of the engine that works in a folder, found by its arguments, or undefined. */
export function enginePid(engineDir: string): number | undefined {
  return processes().find((entry) => entry.argv.includes(engineDir) && entry.argv.some((word) => word.endsWith('engine/main.js')))?.pid;
}

/** Ends the engine that works in a folder, where one does. Its machines go on. */
export async function endEngine(engineDir: string): Promise<void> {
  const pid = enginePid(engineDir);
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  await until('the engine to end', () => !existsSync(`/proc/${pid}`));
}
