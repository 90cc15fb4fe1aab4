/** The real API server over a real store, on a real socket, for the tests of this folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createAccess } from '../access/access.ts';
import { createAccessModule } from '../access/module.ts';
import type { Audit } from '../audit/audit.ts';
import type { Log } from '../context.ts';
import { openStore, type Store } from '../store/store.ts';
import { issue } from '../tls/issue.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import type { EngineModule } from './definition.ts';
import { createApiServer, type ApiServer } from './server.ts';

export const token = 'the-owner-knows-it';

export interface ApiRig {
  port: number;
  ca: string;
  store: Store;
  server: ApiServer;
  /** What was logged as an error. */
  faults: unknown[];
  /** A request that has been sent; resolves with the answer's head. */
  open(method: string, path: string, headers?: OutgoingHttpHeaders, body?: string | Buffer): Promise<IncomingMessage>;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<{ status: number; body: unknown }>;
}

let certificates: Promise<{ ca: string; server: KeyPair }> | undefined;

async function makeCertificates(): Promise<{ ca: string; server: KeyPair }> {
  const made = await issue({ authority: undefined, dns: ['localhost'], ip: ['127.0.0.1'] });
  return { ca: made.authority.certificate, server: made.server };
}

export async function rigApi(parts: Partial<EngineModule> & Pick<EngineModule, 'definitions'>, audit?: Audit): Promise<ApiRig> {
  const { ca, server: tls } = await (certificates ??= makeCertificates());
  const folder = mkdtempSync(join(tmpdir(), 'hayloft-api-'));
  const faults: unknown[] = [];
  const log: Log = { info: () => undefined, warn: () => undefined, error: (message, fields) => faults.push({ message, ...fields }) };
  const store = openStore(join(folder, 'store.db'), log);
  const module: EngineModule = { name: 'rig', start: () => Promise.resolve(), stop: () => Promise.resolve(), ...parts };
  const access = createAccess({ resources: store.resources, ownerToken: token, log });
  const server = createApiServer({ store: store.api, modules: [createAccessModule(access), module], access, tls: { cert: tls.certificate, key: tls.key }, log, ...(audit ? { audit } : {}) });
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(0, '127.0.0.1', resolve));
  await server.listen(socket);
  const { port } = socket.address() as AddressInfo;
  onTestFinished(async () => {
    socket.close();
    await server.close();
    access.stop();
    store.close();
    rmSync(folder, { recursive: true });
  });
  const open: ApiRig['open'] = (method, path, extra, body) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
      const headers = { authorization: `Bearer ${token}`, ...length, ...extra };
      httpsRequest({ host: '127.0.0.1', port, ca, agent: false, method, path, headers }, resolve)
        .on('error', reject)
        .end(body);
    });
  return {
    port,
    ca,
    store,
    server,
    faults,
    open,
    call: async (method, path, body, headers = {}) => {
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const answer = await open(method, path, headers, text);
      const answered = await textOf(answer);
      return { status: answer.statusCode ?? 0, body: answered.startsWith('{') ? (JSON.parse(answered) as unknown) : answered };
    },
  };
}

export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
