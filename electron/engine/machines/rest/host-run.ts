/**
 * Whether machines that are said to run, and do not, went down with the host: then they begin again, whatever their run
 * strategy says about failures. Kept as the id of the host's run in which the engine worked last.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../../private-file.ts';
import { bootId } from '../../service/boot-id.ts';

const atRest = 'at rest';

/** Since the engine worked last, the host was started anew, or its machines were put to rest. */
export function hostBeganAnew(dataDir: string): boolean {
  const noted = readNote(dataDir);
  // Nothing noted: no engine worked here before.
  return noted !== undefined && noted !== bootId();
}

/** To be called once every machine that went down was noted as one that begins again. */
export function noteHostRun(dataDir: string): void {
  if (readNote(dataDir) !== bootId()) write(dataDir, bootId());
}

/** From now on, what ends was put to rest and begins again. */
export const noteRest = (dataDir: string): void => write(dataDir, atRest);

const fileIn = (dataDir: string): string => join(dataDir, 'host-run');
const write = (dataDir: string, text: string): void => writePrivateFile(fileIn(dataDir), `${text}\n`);

function readNote(dataDir: string): string | undefined {
  try {
    return readFileSync(fileIn(dataDir), 'utf8').trim();
  } catch {
    return undefined;
  }
}
