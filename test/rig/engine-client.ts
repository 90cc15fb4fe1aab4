/** A client of a running engine, for tests: plain API calls and the real kubectl. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { until } from './until.ts';

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

export interface EngineClient {
  endpoint: string;
  kubeconfig: string;
  token: string;
  ca: string;
  /** One API call. A string body is sent as it is, anything else as JSON. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Runs the real kubectl and returns its stdout; throws with stderr on a non-zero exit. */
  kubectl(args: readonly string[], input?: string): string;
  /** Forces every machine of the default namespace off and deletes it. */
  removeMachines(): Promise<void>;
}

/** @param kubeconfig path of the file that the engine wrote */
export function connectEngine(kubeconfig: string): EngineClient {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const endpoint = config.clusters[0]?.cluster.server ?? '';
  const token = config.users[0]?.user.token ?? '';
  const ca = Buffer.from(config.clusters[0]?.cluster['certificate-authority-data'] ?? '', 'base64').toString();
  const api: EngineClient['api'] = (method, path, body, headers) =>
    callApi({ endpoint, token, ca }, method, path, body, headers);
  return {
    endpoint,
    kubeconfig,
    token,
    ca,
    api,
    kubectl: (args, input) =>
      execFileSync('kubectl', ['--kubeconfig', kubeconfig, ...args], {
        encoding: 'utf8',
        input,
        env: { ...process.env, KUBECACHEDIR: join(dirname(kubeconfig), 'kubectl-cache') },
        stdio: ['pipe', 'pipe', 'pipe'],
      }),
    removeMachines: () => removeMachines(api),
  };
}

async function removeMachines(api: EngineClient['api']): Promise<void> {
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
          // Node announces no body with a deletion by itself.
          ...(payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
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
