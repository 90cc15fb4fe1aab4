/** An engine on this computer that is there and answers nothing: it is stopped, or the computer is very busy. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { HayloftError } from '#shared/contract/errors.ts';

const record = z.object({ pid: z.number().int().positive() });

/** @returns the process that the engine's own record in its data folder names, if it lives */
export function engineProcess(dir: string): number | undefined {
  try {
    const { pid } = record.parse(JSON.parse(readFileSync(join(dir, 'engine.json'), 'utf8')));
    return lives(pid) ? pid : undefined;
  } catch {
    // No engine has worked here yet, or its record is damaged: then nothing is known of a process.
    return undefined;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** What to say of it, and what can be done. */
export function silentEngine(pid: number | undefined): HayloftError {
  return new HayloftError('timeout', 'The engine on this computer does not answer.', {
    hint: `Wait if the computer is busy: it is taken up again as soon as it answers. Otherwise end ${pid === undefined ? 'its process' : `process ${pid} (kill -KILL ${pid})`}, and Hayloft starts another. Machines that run go on running.`,
    retryable: true,
  });
}
