/**
 * The engine's program: `main --data-dir DIR [--port N] [--listen ADDRESS,…] [--api-only]`; with `token …` or `rotate …`, a client of one
 * that runs; with `service …`, see service/command.ts.
 *
 * When ready it prints one line on stdout: `Engine is ready: https://127.0.0.1:PORT kubeconfig: DIR/kubeconfig`.
 * When it cannot start it prints the error for a person on stderr, then a line for the program that started it:
 * `Engine failed: {"code":…,"message":…,"hint":…}`, and exits with 1. SIGTERM and SIGINT stop it; guests run on.
 */
import '#shared/host/lean-heap.ts';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { asHayloftError, HayloftError } from '#shared/contract/hayloft-error.ts';
import { startEngine, type EngineOptions, type EngineParts, type RunningEngine } from './engine.ts';
import { parseListen } from './listen/addresses.ts';
import { engineParts } from './parts.ts';
import { issueArgument, issueBy, serveIssue } from './tls/issue-process.ts';

/** A stop that takes longer is stuck; guests are safe in any case. */
const stopWithinMs = 10_000;

/** See command/command.ts. */
const commands = new Set(['token', 'rotate']);

const usage = 'Usage: npm run engine -- --data-dir DIR [--port N] [--listen ADDRESS[,ADDRESS]|lan|loopback] [--announce yes|no] [--api-only]';

if (process.argv[2] === issueArgument) await serveIssue();
else if (process.argv[2] === 'service') await serve();
else if (commands.has(process.argv[2] ?? '')) await ask();
else await run();

async function ask(): Promise<void> {
  const { runCommand } = await import('./command/command.ts');
  try {
    process.stdout.write(await runCommand(process.argv.slice(2)));
  } catch (error) {
    fail(asHayloftError(error));
  }
}

async function serve(): Promise<void> {
  const { runServiceCommand } = await import('./service/command.ts');
  const script = fileURLToPath(import.meta.url);
  try {
    const borrowEngine = (dataDir: string): Promise<RunningEngine> => startEngine({ dataDir }, engineParts(issueBy(script)));
    process.stdout.write(await runServiceCommand(process.argv.slice(2), { script, borrowEngine }));
  } catch (error) {
    fail(asHayloftError(error));
  }
}

async function run(): Promise<void> {
  // The program that started us may be gone before the line is written.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  let engine: RunningEngine;
  try {
    const { apiOnly, ...options } = readOptions(process.argv.slice(2));
    engine = await startEngine(options, await partsOf(apiOnly));
  } catch (error) {
    fail(asHayloftError(error));
    return;
  }
  stopOnSignals(engine);
  logFaults(engine);
  process.stdout.write(`Engine is ready: ${engine.endpoint} kubeconfig: ${engine.kubeconfig}\n`);
}

async function partsOf(apiOnly: boolean): Promise<EngineParts> {
  const issue = issueBy(fileURLToPath(import.meta.url));
  if (!apiOnly) return engineParts(issue);
  const { apiOnlyParts } = await import('./api-only/parts.ts');
  return apiOnlyParts(issue);
}

/** @throws HayloftError `bad-input` */
function readOptions(args: string[]): EngineOptions & { apiOnly: boolean } {
  const wrong = (message: string, field: string): HayloftError => new HayloftError('bad-input', message, { hint: usage, field });
  let values: { 'data-dir'?: string; port?: string; listen?: string; announce?: string; 'api-only'?: boolean };
  try {
    const text = { type: 'string' } as const;
    ({ values } = parseArgs({ args, options: { 'data-dir': text, port: text, listen: text, announce: text, 'api-only': { type: 'boolean' } } }));
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error), '');
  }
  const { 'data-dir': dataDir, port, 'api-only': apiOnly = false } = values;
  if (!dataDir) throw wrong('The engine needs a folder for its data.', 'data-dir');
  const listen = values.listen === undefined ? undefined : parseListen(values.listen);
  if (values.announce !== undefined && !['yes', 'no'].includes(values.announce)) throw wrong(`"${values.announce}" is neither yes nor no.`, 'announce');
  const announce = values.announce === undefined ? undefined : values.announce === 'yes';
  if (port === undefined) return { dataDir: resolve(dataDir), listen, announce, apiOnly };
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw wrong(`"${port}" is no port number (0 to 65535).`, 'port');
  return { dataDir: resolve(dataDir), listen, announce, apiOnly, port: Number(port) };
}

function fail(error: HayloftError): void {
  const { code, message, hint } = error;
  process.stderr.write(`${message}${hint === undefined ? '' : ` ${hint}`}\n`);
  process.stderr.write(`Engine failed: ${JSON.stringify({ code, message, ...(hint === undefined ? {} : { hint }) })}\n`);
  if (code === 'internal' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack ?? ''}\n`);
  process.exitCode = 1;
}

function stopOnSignals(engine: RunningEngine): void {
  let stopping = false;
  const stop = (): void => {
    // The second signal means: now.
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => process.exit(1), stopWithinMs).unref();
    engine.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        engine.log.error('The engine did not stop cleanly', { error });
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
}

/** A promise that nobody waited for harms nobody else; after an exception that nobody caught nothing can be trusted. */
function logFaults(engine: RunningEngine): void {
  process.on('unhandledRejection', (error) => engine.log.error('A failure was not handled', { error }));
  process.on('uncaughtException', (error) => {
    engine.log.error('The engine ends because of a fault of its own', { error });
    process.stderr.write(`The engine ends because of a fault of its own: ${error.stack ?? error.message}\n`);
    process.exit(1);
  });
}
