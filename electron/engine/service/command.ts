/** `engine service …`: the engine as a service of the computer, and what its units run. */
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { asHayloftError, HayloftError } from '#shared/contract/hayloft-error.ts';
import { dataFolder } from '#shared/host/data-folder.ts';
import { connectTo } from '../command/engine-client.ts';
import type { Rested } from '../machines/rest/rest.ts';
import { REST_PATH } from '../machines/rest/routes.ts';
import { installService, removeService, serviceHost } from './install.ts';

const usage = `Usage:
  service install [--system] [--data-dir DIR] [--within SECONDS]
  service remove [--system]
  service rest --data-dir DIR [--within SECONDS]
  service wake --data-dir DIR`;

/** How long machines may take to come to rest when nobody says it: less than systemd gives a user's services. */
const defaultRestSeconds = 90;
/** At a boot the engine is on its way up when it is asked. */
const wakeWithinMs = 60_000;
const retryMs = 250;

export interface ServiceCommands {
  /** The engine's own script. */
  script: string;
  /** Starts an engine in this process, for as long as it takes to put its machines to rest. */
  borrowEngine(dataDir: string): Promise<{ stop(): Promise<void> }>;
}

/**
 * @param words the program's arguments, `service` first
 * @returns what is to be printed
 * @throws HayloftError
 */
export async function runServiceCommand(words: string[], commands: ServiceCommands): Promise<string> {
  const { verb, system, dataDir, restSeconds } = read(words);
  const scope = system ? 'system' : 'user';
  switch (verb) {
    case 'install': {
      const notes = await installService({ dataDir, scope, restSeconds }, serviceHost(scope, commands.script));
      return ['The engine is installed as a service, and runs.', ...notes, ''].join('\n');
    }
    case 'remove':
      await removeService({ scope }, serviceHost(scope, commands.script));
      return 'The engine’s service is removed. Machines that run go on.\n';
    case 'rest':
      return told(await rest(dataDir, restSeconds, commands));
    case 'wake':
      return wake(dataDir);
    default:
      throw wrong(`There is no command "service ${verb}".`);
  }
}

const wrong = (message: string): HayloftError => new HayloftError('bad-input', message, { hint: usage });

function read(words: string[]): { verb: string; system: boolean; dataDir: string; restSeconds: number } {
  try {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: { 'data-dir': { type: 'string' }, system: { type: 'boolean' }, within: { type: 'string' } },
    });
    const [, verb = '', ...more] = positionals;
    if (more.length > 0) throw new Error(`"${more.join(' ')}" is more than is asked for.`);
    const { 'data-dir': given, within = String(defaultRestSeconds), system = false } = values;
    if (!/^\d{1,5}$/.test(within)) throw new Error(`"${within}" is no number of seconds.`);
    // The app's own engine works in this folder of the app's.
    const dataDir = given === undefined ? resolve(dataFolder(undefined), 'engine') : resolve(given);
    return { verb, system, dataDir, restSeconds: Number(within) };
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

async function rest(dataDir: string, seconds: number, commands: ServiceCommands): Promise<Rested[]> {
  const ask = async (): Promise<Rested[]> =>
    (await connectTo(dataDir).call<{ rested: Rested[] }>('POST', `${REST_PATH}?seconds=${seconds}`)).rested;
  try {
    return await ask();
  } catch (error) {
    if (asHayloftError(error).code !== 'unreachable') throw error;
  }
  // The engine has died, and its guests have not: they are not left to be cut off with the host.
  const engine = await commands.borrowEngine(dataDir);
  try {
    return await ask();
  } finally {
    await engine.stop();
  }
}

const told = (rested: Rested[]): string => rested.map(({ namespace, name, how }) => `${namespace}/${name}: ${how}\n`).join('');

/** Never fails: a unit whose start failed would not be stopped with the host, and the guests not be put to rest. */
async function wake(dataDir: string): Promise<string> {
  const end = Date.now() + wakeWithinMs;
  for (;;) {
    try {
      await connectTo(dataDir).call('DELETE', REST_PATH);
      return '';
    } catch (error) {
      if (Date.now() > end) return `${asHayloftError(error).message}\n`;
      await pause(retryMs);
    }
  }
}
