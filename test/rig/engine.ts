/** The real engine, in a folder of its own, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectEngine, type EngineClient } from './engine-client.ts';
import { startProgram, type RunningProgram } from './process.ts';

export const repository = join(import.meta.dirname, '..', '..');

export interface RigEngine extends EngineClient {
  program: RunningProgram;
  dataDir: string;
  /** Deletes every machine, stops the engine and removes its folder. */
  destroy(): Promise<void>;
}

export interface EngineOptions {
  /** Kept when given; otherwise a new temporary folder, removed by `destroy`. */
  dataDir?: string;
  port?: number;
  env?: NodeJS.ProcessEnv;
  /** What runs it, as words that come before it: `ip netns exec NAME`. */
  within?: readonly string[];
  /** More of the engine's flags. */
  flags?: readonly string[];
}

/** Starts the bundled engine (dist/engine/main.js must be up to date) and waits until it is ready. */
export async function startEngine(options: EngineOptions = {}): Promise<RigEngine> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'hayloft-engine-'));
  const port = options.port === undefined ? [] : ['--port', String(options.port)];
  const main = join(repository, 'dist', 'engine', 'main.js');
  const [command = '', ...words] = [...(options.within ?? []), process.execPath, main, '--data-dir', dataDir, ...port, ...(options.flags ?? [])];
  const program = startProgram(command, words, {
    env: { ...process.env, ...options.env },
  });
  const [, kubeconfig = ''] = await program.line(/^Engine is ready: https:\/\/\S+ kubeconfig: (.+)$/);
  const client = connectEngine(kubeconfig);
  return {
    ...client,
    program,
    dataDir,
    destroy: async () => {
      // An API server alone has none that run, whatever it has on record.
      if (options.flags?.includes('--api-only') !== true) await client.removeMachines();
      await program.stop();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
