/** The real engine, in a folder of its own, for tests. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startProgram, type RunningProgram } from './process.ts';

export const repository = join(import.meta.dirname, '..', '..');

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { token: string } }[];
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json<T = unknown>(): T;
}

export interface RigEngine {
  program: RunningProgram;
  dataDir: string;
  endpoint: string;
  kubeconfig: string;
  token: string;
  ca: string;
  /** One API call. A string body is sent as it is, anything else as JSON. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Runs the real kubectl and returns its stdout; throws with stderr on a non-zero exit. */
  kubectl(args: readonly string[], input?: string): string;
  /** Deletes every machine, stops the engine and removes its folder. */
  destroy(): Promise<void>;
}

export interface EngineOptions {
  /** Kept when given; otherwise a new temporary folder, removed by `destroy`. */
  dataDir?: string;
  port?: number;
  env?: NodeJS.ProcessEnv;
}

/** Starts the bundled engine (dist/engine/main.js must be up to date) and waits until it is ready. */
export async function startEngine(options: EngineOptions = {}): Promise<RigEngine> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'hayloft-engine-'));
  const port = options.port === undefined ? [] : ['--port', String(options.port)];
  const main = join(repository, 'dist', 'engine', 'main.js');
  const program = startProgram(process.execPath, [main, '--data-dir', dataDir, ...port], {
    env: { ...process.env, ...options.env },
  });
  const ready = await program.line(/^Engine is ready: (https:\/\/\S+) kubeconfig: (.+)$/);
  const [, endpoint = '', kubeconfig = ''] = ready;
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const token = config.users[0]?.user.token ?? '';
  const ca = Buffer.from(config.clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString();

  const api: RigEngine['api'] = (method, path, body, headers) =>
    callApi({ endpoint, token, ca }, method, path, body, headers);
  return {
    program,
    dataDir,
    endpoint,
    kubeconfig,
    token,
    ca,
    api,
    kubectl: (args, input) =>
      execFileSync('kubectl', ['--kubeconfig', kubeconfig, ...args], {
        encoding: 'utf8',
        input,
        env: { ...process.env, KUBECACHEDIR: join(dataDir, 'kubectl-cache') },
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
    destroy: async () => {
      await deleteMachines(api);
      await program.stop();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function deleteMachines(api: RigEngine['api']): Promise<void> {
  const path = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
  const instances = '/apis/kubevirt.io/v1/virtualmachineinstances';
  const list = (await api('GET', path)).json<{ items?: { metadata: { name: string } }[] }>();
  for (const { metadata } of list.items ?? []) {
    await api('PUT', `/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/${metadata.name}/stop`, {
      gracePeriod: 0,
    });
    await api('DELETE', `${path}/${metadata.name}`);
  }
  await until('all guests to be gone', async () => {
    const left = (await api('GET', instances)).json<{ items?: unknown[] }>();
    return (left.items ?? []).length === 0;
  });
}

/**
 * Asks again and again, with a short pause, until the answer is yes.
 * @param what the end of the sentence "waited in vain for …"
 * @param limitMs how long to wait at most
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 60_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

function callApi(
  to: { endpoint: string; token: string; ca: string },
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      `${to.endpoint}${path}`,
      {
        method,
        ca: to.ca,
        headers: {
          authorization: `Bearer ${to.token}`,
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: <T>() => JSON.parse(text) as T,
          });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}
