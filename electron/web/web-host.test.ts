import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createChannelClient } from '#shared/channel/client.ts';
import type { Handlers } from '#shared/channel/handlers.ts';
import { webSocketCarrier } from '#shared/channel/web-socket-carrier.ts';
import { createSession, loadSession } from './session.ts';
import { startWebHost } from './web-host.ts';
import type { WebHost } from './web-host.ts';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

let folder: string;
let host: WebHost;
let port: number;
const session = createSession();
const log = { warn: vi.fn(), error: vi.fn() };
const handlers = {
  calls: {
    'app.info': () =>
      Promise.resolve({ version: '1', host: 'web', platform: 'linux', arch: 'x64', dataDir: '/data' } as const),
  },
  topics: {},
  streams: {},
} as unknown as Handlers;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hayloft-web-'));
  const rendererDir = join(folder, 'renderer');
  await mkdir(join(rendererDir, 'assets'), { recursive: true });
  await writeFile(join(rendererDir, 'index.html'), '<title>Hayloft</title>');
  await writeFile(join(rendererDir, 'assets', 'app-1a2b.js'), 'export {};');
  await writeFile(join(folder, 'secret.txt'), 'secret');
  host = await startWebHost({ port: 0, rendererDir, backend: { handlers }, session, log });
  port = Number(new URL(host.url).port);
});
afterAll(async () => {
  await host.close();
  await rm(folder, { recursive: true });
});

/** Sends the path and the headers exactly as given; `fetch` would tidy them up. */
function send(path: string, options: { method?: string; headers?: OutgoingHttpHeaders; body?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    httpRequest({ host: '127.0.0.1', port, path, method, headers: { ...length, ...headers } }, (response) => {
      text(response).then(
        (answer) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer }),
        reject,
      );
    })
      .on('error', reject)
      .end(body);
  });
}

function exchange(token: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  return send('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: `http://127.0.0.1:${port}`, ...headers },
    body: JSON.stringify({ token }),
  });
}

/** Tries to open the channel; the socket, or the status it was refused with. */
function connect(headers: Record<string, string>, path = '/channel'): Promise<WebSocket | number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    socket.on('open', () => resolve(socket));
    socket.on('unexpected-response', (request, response) => {
      request.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.on('error', reject);
  });
}

const origin = (): string => `http://127.0.0.1:${port}`;
const cookie = (): string => `hayloft-session-${port}=${session.cookie}`;

describe('the page', () => {
  it('comes with a strict policy and is not kept', async () => {
    const { status, headers, body } = await send('/');
    expect({ status, body }).toEqual({ status: 200, body: '<title>Hayloft</title>' });
    const policy = headers['content-security-policy'] as string;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${port};`);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-cache',
    });
    expect((await send('/', { headers: { 'if-none-match': headers.etag } })).status).toBe(304);
  });

  it('is what every address inside the app gets; a missing file is missing', async () => {
    expect((await send('/machines/local/default/pc')).body).toBe('<title>Hayloft</title>');
    expect((await send('/missing.js')).status).toBe(404);
  });

  it('may keep what has a hash in its name', async () => {
    const { headers } = await send('/assets/app-1a2b.js');
    expect(headers['cache-control']).toContain('immutable');
    expect(headers['content-type']).toContain('text/javascript');
  });

  it.each(['/../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/assets/../../secret.txt', '/..\\secret.txt', '//secret.txt', '/%'])(
    'lets nothing out of its folder: %s',
    async (path) => {
      const answer = await send(path);
      expect(answer.body).not.toContain('secret');
      expect(answer.status).toBe(404);
    },
  );

  it.each(['//', '/?', '*', 'http://example.org/'])('survives the odd target %s', async (path) => {
    expect((await send(path)).status).toBeLessThan(500);
  });

  it.each(['example.org', 'example.org:80', '127.0.0.1', '127.0.0.1:1', 'localhost.example.org:80', '192.168.1.2:8680'])(
    'is not given to whoever asks for the host %s',
    async (name) => {
      const answer = await send('/', { headers: { host: name } });
      expect(answer.status).toBe(421);
      expect(answer.body).not.toContain('<title>');
    },
  );

  it('answers to localhost too', async () => {
    expect((await send('/', { headers: { host: `localhost:${port}` } })).status).toBe(200);
  });

  it('takes no other methods', async () => {
    expect((await send('/', { method: 'DELETE', headers: { origin: origin() } })).status).toBe(405);
  });
});

describe('the session', () => {
  it('exchanges the token for a cookie that scripts and other sites do not get', async () => {
    const answer = await exchange(session.token);
    expect(answer.status).toBe(204);
    expect(answer.headers['set-cookie']).toEqual([`${cookie()}; Path=/; HttpOnly; SameSite=Strict`]);
    expect((await send('/session', { headers: { cookie: cookie() } })).status).toBe(204);
    expect((await send('/session')).status).toBe(401);
  });

  it('takes a single-use token once', async () => {
    const token = new URL(host.openingUrl()).hash.slice('#token='.length);
    expect(token).not.toBe(session.token);
    expect((await exchange(token)).status).toBe(204);
    expect((await exchange(token)).status).toBe(401);
  });

  it.each([
    ['no origin', { origin: undefined }, 403],
    ['another origin', { origin: 'http://example.org' }, 403],
    ['another port of this computer', { origin: 'http://127.0.0.1:1' }, 403],
    ['an opaque origin', { origin: 'null' }, 403],
    ['another host', { host: 'example.org' }, 421],
    ['the type of a form', { 'content-type': 'text/plain' }, 415],
  ])('refuses the right token from %s', async (_name, headers, status) => {
    const body = JSON.stringify({ token: session.token });
    const all = { 'content-type': 'application/json', origin: origin(), ...headers };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    const answer = await send('/session', { method: 'POST', headers: given, body });
    expect(answer.status).toBe(status);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('refuses a body that is too large or no JSON', async () => {
    expect((await exchange('x'.repeat(5000))).status).toBe(413);
    const headers = { 'content-type': 'application/json', origin: origin() };
    expect((await send('/session', { method: 'POST', headers, body: '{' })).status).toBe(400);
  });

  it('refuses wrong tokens, and tires of them; the right one still works', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) statuses.push((await exchange(`wrong-${attempt}`)).status);
    expect(statuses[0]).toBe(401);
    expect(statuses.at(-1)).toBe(429);
    expect((await exchange(session.token)).status).toBe(204);
  });

  it('is the same after a restart, and its file is for this user only', async () => {
    const dataDir = join(folder, 'data');
    const first = await loadSession(dataDir);
    const second = await loadSession(dataDir);
    expect(second.token).toBe(first.token);
    expect(second.cookie).toBe(first.cookie);
    expect((await stat(join(dataDir, 'web-token'))).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });
});

describe('the channel', () => {
  it('answers our own page', async () => {
    const socket = await connect({ origin: origin(), cookie: `other=1; ${cookie()}` });
    if (!(socket instanceof WebSocket)) throw new Error(`Refused with ${socket}`);
    const client = createChannelClient(webSocketCarrier(socket));
    expect(await client.call('app.info', {})).toMatchObject({ host: 'web' });
    socket.terminate();
  });

  it.each([
    ['without the cookie', () => ({ origin: origin() }), 401],
    ['with a wrong cookie', () => ({ origin: origin(), cookie: `hayloft-session-${port}=x` }), 401],
    ['with the token for a cookie', () => ({ origin: origin(), cookie: `hayloft-session-${port}=${session.token}` }), 401],
    ['without an origin', () => ({ cookie: cookie() }), 403],
    ['from another origin', () => ({ origin: 'http://example.org', cookie: cookie() }), 403],
    ['from another port of this computer', () => ({ origin: 'http://127.0.0.1:1', cookie: cookie() }), 403],
    ['for a rebound name', () => ({ host: 'example.org', origin: 'http://example.org', cookie: cookie() }), 421],
  ])('is closed %s', async (_name, headers: () => Record<string, string>, status) => {
    expect(await connect(headers())).toBe(status);
  });

  it('is at one path only', async () => {
    expect(await connect({ origin: origin(), cookie: cookie() }, '/other')).toBe(400);
  });
});

it('says which port is taken and what to do', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const taken = (other.address() as AddressInfo).port;
  const options = { port: taken, rendererDir: join(folder, 'renderer'), backend: { handlers }, log };
  await expect(startWebHost(options)).rejects.toMatchObject({
    code: 'port-taken',
    hint: expect.stringContaining('--port 0') as string,
  });
  other.close();
});

it('closes with a page connected', async () => {
  const options = { port: 0, rendererDir: join(folder, 'renderer'), backend: { handlers }, session, log };
  const second = await startWebHost(options);
  const secondPort = Number(new URL(second.url).port);
  const socket = new WebSocket(`ws://127.0.0.1:${secondPort}/channel`, {
    headers: { origin: `http://127.0.0.1:${secondPort}`, cookie: `hayloft-session-${secondPort}=${session.cookie}` },
  });
  await new Promise((resolve) => socket.on('open', resolve));
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await second.close();
  await closed;
});
