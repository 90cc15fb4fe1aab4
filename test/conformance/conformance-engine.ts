/** The engine of a test file, driven by the real kubectl. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { startEngine, type EngineOptions, type RigEngine } from '../rig/engine.ts';
import { startProgram, type RunningProgram } from '../rig/process.ts';

export interface KubectlResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ConformanceEngine {
  readonly rig: RigEngine;
  /** Runs kubectl to its end; `input` goes to its stdin (`-f -`). */
  run(args: readonly string[], input?: string | object): KubectlResult;
  /** Like `run`, for what must work: returns stdout, throws with stderr. */
  ok(args: readonly string[], input?: string | object): string;
  /** Like `run`, for what must fail: returns stderr. */
  refused(args: readonly string[], input?: string | object): string;
  /** `get … -o json`, parsed. */
  json<T>(args: readonly string[]): T;
  /** Starts kubectl and leaves it running (`get -w`). */
  start(args: readonly string[]): RunningProgram;
}

/** Starts an engine before the tests of a file and removes all of it after them. */
export function useEngine(options: EngineOptions = {}): ConformanceEngine {
  let rig: RigEngine | undefined;
  const started: RunningProgram[] = [];
  beforeAll(async () => {
    rig = await startEngine(options);
  });
  afterAll(async () => {
    for (const program of started) await program.stop();
    await rig?.destroy();
  });
  const engine = (): RigEngine => {
    if (!rig) throw new Error('The engine has not started.');
    return rig;
  };
  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    KUBECONFIG: engine().kubeconfig,
    KUBECACHEDIR: join(dirname(engine().kubeconfig), 'kubectl-cache'),
  });
  const run: ConformanceEngine['run'] = (args, input) => {
    const text = typeof input === 'object' ? JSON.stringify(input) : (input ?? '');
    const { status, stdout, stderr } = spawnSync('kubectl', args, { encoding: 'utf8', env: environment(), input: text, timeout: 90_000 });
    return { code: status ?? -1, stdout, stderr };
  };
  const ok: ConformanceEngine['ok'] = (args, input) => {
    const { code, stdout, stderr } = run(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} failed (${code}):\n${stderr}${stdout}`);
    return stdout;
  };
  return {
    get rig() {
      return engine();
    },
    run,
    ok,
    refused: (args, input) => {
      const { code, stdout, stderr } = run(args, input);
      if (code === 0) throw new Error(`kubectl ${args.join(' ')} should have failed:\n${stdout}`);
      return stderr;
    },
    json: <T>(args: readonly string[]) => JSON.parse(ok([...args, '-o', 'json'])) as T,
    start: (args) => {
      const program = startProgram('kubectl', args, { env: environment() });
      started.push(program);
      return program;
    },
  };
}

/** Words of a table's lines, without its header. */
export const rowsOf = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s{2,}/));

export const headersOf = (table: string): string[] => (table.split('\n')[0] ?? '').trim().split(/\s{2,}/);
