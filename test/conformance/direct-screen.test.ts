/** The screen of a machine, read from QEMU's own socket by a program of the engine's user. */
import { once } from 'node:events';
import { request as plainRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import WebSocket from 'ws';
import { localSocketIn } from '../../shared/host/local-socket.ts';
import { until } from '../rig/until.ts';
import { useEngine } from './conformance-engine.ts';
import { machineWith } from './samples.ts';

const engine = useEngine();
const instances = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstances';
const screen = '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/seen/vnc';

async function run(): Promise<void> {
  await engine.rig.api('POST', '/apis/kubevirt.io/v1/namespaces/default/virtualmachines', machineWith('seen', { domain: { memory: { guest: '32Mi' } } }));
  await until('the machine to run', async () => (await engine.rig.api('GET', `${instances}/seen`)).json<{ status?: { phase?: string } }>().status?.phase === 'Running');
}

/** Asks for the screen by the socket that only the engine's user can open. */
async function askHere(headers: Record<string, string>): Promise<{ headers: IncomingHttpHeaders; socket: Duplex }> {
  const request = plainRequest({
    socketPath: localSocketIn(engine.rig.dataDir) ?? '',
    path: screen,
    headers: {
      authorization: `Bearer ${engine.rig.token}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'aGF5bG9mdCBpcyBoZXJlIQ==',
      'sec-websocket-protocol': 'plain.kubevirt.io',
      ...headers,
    },
  });
  request.end();
  const [response, socket] = (await once(request, 'upgrade')) as [{ headers: IncomingHttpHeaders }, Duplex];
  return { headers: response.headers, socket };
}

/** Resolves when the engine sends a close frame, and nothing before it (RFC 6455, 5.5.1). */
async function goodbye(socket: Duplex): Promise<void> {
  const [frame] = (await once(socket, 'data')) as [Buffer];
  expect(frame[0]).toBe(0x88);
  socket.destroy();
}

it('is offered where it is asked for, and let go of when somebody else looks, and when the machine ends', async () => {
  await run();
  const first = await askHere({ 'hayloft-direct': '?1' });
  const path = decodeURIComponent(String(first.headers['hayloft-socket']));
  const viewer = connect(path);
  const [greeting] = (await once(viewer, 'data')) as [Buffer];
  expect(greeting.toString()).toMatch(/^RFB 003\./);
  viewer.destroy();

  const gone = goodbye(first.socket);
  const second = await askHere({});
  expect(second.headers['hayloft-socket']).toBeUndefined();
  await gone;

  const third = await askHere({ 'hayloft-direct': '?1' });
  const ended = goodbye(third.socket);
  await engine.rig.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/seen/stop', { gracePeriod: 0 });
  await ended;
});

it('is not offered by the port, which others may reach, too', async () => {
  await engine.rig.api('PUT', '/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/seen/start', {});
  await until('the machine to run', async () => (await engine.rig.api('GET', `${instances}/seen`)).json<{ status?: { phase?: string } }>().status?.phase === 'Running');
  const socket = new WebSocket(engine.rig.endpoint.replace('https', 'wss') + screen, 'plain.kubevirt.io', {
    ca: engine.rig.ca,
    headers: { authorization: `Bearer ${engine.rig.token}`, 'hayloft-direct': '?1' },
  });
  const [response] = (await once(socket, 'upgrade')) as [{ headers: IncomingHttpHeaders }];
  const [data] = (await once(socket, 'message')) as [Buffer];
  expect([response.headers['hayloft-socket'], data.toString().slice(0, 4)]).toEqual([undefined, 'RFB ']);
  socket.terminate();
});
