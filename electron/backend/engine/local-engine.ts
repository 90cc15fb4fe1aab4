/**
 * The engine on this computer: found running, or started. It is a process of its own that goes on when the app ends,
 * and a new app takes it as it is.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { LocalEngine as LocalEngineView } from '#shared/contract/app.ts';
import { HayloftError, asHayloftError, errorCode } from '#shared/contract/errors.ts';
import { localSocketIn } from '#shared/host/local-socket.ts';
import { ApiClient } from '../clusters/api-client.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import type { Access } from '../clusters/access.ts';
import { readKubeconfig } from '../clusters/kubeconfig.ts';
import { Topic } from '../topics/topic.ts';
import { engineProcess, silentEngine } from './silent-engine.ts';

const readyTimeoutMs = 2000;
const startLimitMs = 30_000;
const pollMs = 20;
/** Only a look at what is known already: as often as nobody notices. */
const checkEveryMs = 500;
const failurePrefix = 'Engine failed: ';

const failure = z.object({ code: errorCode, message: z.string(), hint: z.string().optional() });

export interface LocalEngineOptions {
  /** The engine's own data folder. */
  dir: string;
  /** The engine's program, run by this very Node. */
  main: string;
  cluster: ClusterConnection;
  log: { info(message: string, fields?: Record<string, unknown>): void; warn: LocalEngineOptions['log']['info'] };
}

export class LocalEngine {
  readonly topic = new Topic<LocalEngineView>({ key: (item) => item.id });
  readonly #options: LocalEngineOptions;
  readonly #closed = new AbortController();
  #starting: Promise<void> | undefined;
  /** What the engine was last reached by. */
  #access: Access | undefined;

  constructor(options: LocalEngineOptions) {
    this.#options = options;
    this.#show({ state: 'starting' });
  }

  /** Makes sure that it runs, and goes on looking. */
  begin(): void {
    void this.ensure();
    void this.#watchOver();
  }

  /** Finds or starts the engine. Never rejects: what went wrong is in the topic. */
  ensure(): Promise<void> {
    this.#starting ??= this.#ensure().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  close(): void {
    this.#closed.abort();
  }

  async #ensure(): Promise<void> {
    const { cluster, log } = this.#options;
    try {
      const found = await this.#answering();
      // An app that closes asks no further, and must not leave an engine behind that nobody wanted.
      if (this.#closed.signal.aborted) return;
      if (found === 'silent') {
        this.#tellSilent();
        return;
      }
      const access = found ?? (await this.#start());
      if (access === 'silent') {
        this.#tellSilent();
        return;
      }
      this.#access = access;
      this.#show({ state: 'running', endpoint: access.server });
      cluster.connect(access);
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      const known = asHayloftError(error);
      log.warn('The engine could not be started', { code: known.code, message: known.message });
      this.#show({ state: 'failed', error: known.toData() });
      cluster.fail(known);
    }
  }

  /** Its machines go on, and a second engine could not have its folder: it is waited for. */
  #tellSilent(): void {
    const { cluster, log } = this.#options;
    const before = this.topic.get('local');
    const known = silentEngine(engineProcess(this.#options.dir));
    if (before?.state === 'silent' && before.error?.hint === known.hint) return;
    log.warn('The engine does not answer', { message: known.message });
    this.#show({ state: 'silent', since: cluster.view.lastSeen ?? before?.since ?? Date.now(), error: known.toData() });
    cluster.fail(known);
  }

  /** The way to a running engine, `silent` when it is there and says nothing, or undefined when none is there. */
  async #answering(): Promise<Access | 'silent' | undefined> {
    const kubeconfig = join(this.#options.dir, 'kubeconfig');
    if (!existsSync(kubeconfig)) return undefined;
    const access = accessIn(this.#options.dir);
    const client = new ApiClient(access);
    try {
      const response = await client.open('GET', '/readyz', { timeoutMs: readyTimeoutMs, signal: this.#closed.signal });
      response.resume();
      return access;
    } catch (error) {
      if (asHayloftError(error).code === 'timeout' && engineProcess(this.#options.dir) !== undefined) return 'silent';
      // Not there, or another program has its port by now: a new one will write a new kubeconfig.
      return undefined;
    } finally {
      client.close();
    }
  }

  async #start(): Promise<Access | 'silent'> {
    const { dir, main, log } = this.#options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const output = join(dir, 'start.log');
    const log0 = openSync(output, 'w', 0o600);
    const child = spawn(process.execPath, [main, '--data-dir', dir], {
      // No pipe to this process, whose end it must outlive. In Electron's processes the binary is Electron's.
      stdio: ['ignore', log0, log0],
      detached: true,
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    closeSync(log0);
    child.unref();
    const outcome = { ended: false };
    child.on('exit', () => (outcome.ended = true));
    child.on('error', () => (outcome.ended = true));
    log.info('The engine was started', { pid: child.pid });
    const limit = performance.now() + startLimitMs;
    for (;;) {
      if (/^Engine is ready: /m.test(readFileSync(output, 'utf8'))) return accessIn(dir);
      if (outcome.ended) {
        // Another app may have been quicker, and its engine holds the folder.
        const access = await this.#answering();
        if (access) return access;
        throw failureIn(readFileSync(output, 'utf8'));
      }
      if (performance.now() > limit) {
        throw new HayloftError('timeout', 'The engine was started and did not get ready.', {
          hint: `Its log is ${join(dir, 'engine.log')}.`,
          retryable: true,
        });
      }
      await delay(pollMs, undefined, { signal: this.#closed.signal });
    }
  }

  /** Starts it again when it is gone, and takes it up when it answers again. A person who stopped it on purpose would have closed the app. */
  async #watchOver(): Promise<void> {
    const { signal } = this.#closed;
    const closed = (): boolean => signal.aborted;
    while (!closed()) {
      await delay(checkEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (closed()) return;
      const engine = this.topic.get('local')?.state;
      if (engine === 'silent') await this.ensure();
      if (engine !== 'running') continue;
      const { state } = this.#options.cluster.view;
      if (state === 'unreachable') await this.ensure();
      if (state === 'unauthorized') this.#takeNewToken();
    }
  }

  /** The owner's token was changed, and the engine has written the new one into its kubeconfig. */
  #takeNewToken(): void {
    try {
      const access = accessIn(this.#options.dir);
      if (access.token === this.#access?.token) return;
      this.#access = access;
      this.#options.cluster.connect(access);
    } catch (error) {
      // Looked for again in a moment.
      this.#options.log.warn('The kubeconfig could not be read again', { error });
    }
  }

  #show(view: Pick<LocalEngineView, 'state' | 'endpoint' | 'since' | 'error'>): void {
    this.topic.put({ id: 'local', clusterId: this.#options.cluster.id, ...view });
  }
}

/** The kubeconfig's way, or the socket beside it where there is one: nobody listens in there, so nothing is encrypted. */
function accessIn(dir: string): Access {
  const socket = localSocketIn(dir);
  const access = readKubeconfig(join(dir, 'kubeconfig'));
  return socket !== undefined && existsSync(socket) ? { ...access, localSocket: socket } : access;
}

/** What the engine said when it ended, as the error that it is. */
function failureIn(output: string): HayloftError {
  const line = output.split('\n').findLast((text) => text.startsWith(failurePrefix));
  const said = line === undefined ? undefined : parseFailure(line.slice(failurePrefix.length));
  if (said) {
    return new HayloftError(said.code, said.message, { retryable: true, ...(said.hint === undefined ? {} : { hint: said.hint }) });
  }
  return new HayloftError('internal', `The engine ended right after its start: ${output.trim().slice(-400) || 'it said nothing'}`);
}

function parseFailure(text: string): z.infer<typeof failure> | undefined {
  try {
    return failure.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
