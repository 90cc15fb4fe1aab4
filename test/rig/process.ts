/** Starting programs and waiting for what they say, for tests that drive the real thing. */
import { spawn, type ChildProcess, type SpawnOptionsWithoutStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface RunningProgram {
  child: ChildProcess;
  pid: number;
  /** Everything that it printed so far on both outputs. */
  output(): string;
  /** The first line of stdout that matches, now or later. Rejects when the program ends without it. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends the signal (default SIGTERM) and resolves when the program is gone; with `detached`, all that it started, too. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export function startProgram(command: string, args: readonly string[], options: SpawnOptionsWithoutStdio = {}): RunningProgram {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] as const });
  const exited = once(child, 'exit');
  const closed = once(child, 'close');
  let output = '';
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const listener of waiting) listener(line);
  });
  return {
    child,
    pid: child.pid ?? -1,
    output: () => output,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (line: string): boolean => {
          const match = pattern.exec(line);
          if (!match) return false;
          waiting.delete(check);
          resolve(match);
          return true;
        };
        if (lines.some(check)) return;
        waiting.add(check);
        void exited.then(() => reject(new Error(`${command} ended without printing ${String(pattern)}:\n${output}`)));
        child.on('error', reject);
      }),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) {
        if (options.detached === true && child.pid !== undefined) process.kill(-child.pid, signal);
        else child.kill(signal);
      }
      // The outputs end with the last that writes to them.
      await (options.detached === true ? closed : exited);
    },
  };
}
