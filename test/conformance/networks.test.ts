/** Ways into a real guest: Services, and the portforward subresource. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { stringify } from 'yaml';
import type { Service } from '../../electron/engine/networks/definitions/service.ts';
import type { Condition } from '../../shared/kube/object.ts';
import { startEngine, type RigEngine } from '../rig/engine.ts';
import { openGuestShell, type GuestShell } from '../rig/guest-shell.ts';
import { rigImage } from '../rig/images/rig-image.ts';
import { until } from '../rig/until.ts';
import { uploadImage } from '../rig/upload.ts';

const actions = '/apis/subresources.kubevirt.io/v1/namespaces/default';
let engine: RigEngine;
let shell: GuestShell;

const service = (name: string, spec: object): string =>
  stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { type: 'NodePort', selector: { app: 'web' }, ...spec } });
const read = (name: string): Service => JSON.parse(engine.kubectl(['get', 'service', name, '-o', 'json'])) as Service;
const condition = (name: string): Condition | undefined => read(name).status?.conditions?.[0];
const isOpen = (name: string): Promise<unknown> => until(`the Service ${name} to be forwarded`, () => condition(name)?.status === 'True');

/** What a TCP server says after it was greeted, or the error's code. */
async function talk(port: number, words = 'hello\n'): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString()));
  // Told by what is not answered, too.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect');
    socket.write(words);
    await until('an answer', () => text !== '' || socket.closed, 10_000);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    socket.destroy();
  }
  return text;
}

function portForward(path: string): WebSocket {
  const socket = new WebSocket(`${engine.endpoint.replace(/^https/, 'wss')}${actions}/${path}`, ['plain.kubevirt.io'], {
    ca: engine.ca,
    headers: { authorization: `Bearer ${engine.token}` },
  });
  socket.on('error', () => undefined);
  return socket;
}

async function refusedWith(path: string): Promise<number | undefined> {
  const socket = portForward(path);
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode?: number; destroy(): void }];
  response.destroy();
  return response.statusCode;
}

/** What the guest's kernel has received for ports on which nobody listens: busybox has nothing that does. */
async function datagramsToNobody(): Promise<number> {
  const [, , noPorts] = (await shell.run("grep '^Udp: [0-9]' /proc/net/snmp")).split(' ');
  return Number(noPorts);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

beforeAll(async () => {
  engine = await startEngine();
  await uploadImage(engine, 'root', rigImage('shell-disk'), '64Mi');
  engine.kubectl(['apply', '-f', '-'], stringify({
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name: 'guest' },
    spec: {
      runStrategy: 'Always',
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          terminationGracePeriodSeconds: 0,
          domain: { memory: { guest: '256Mi' }, devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }], interfaces: [{ name: 'default', masquerade: {} }] } },
          networks: [{ name: 'default', pod: {} }],
          volumes: [{ name: 'root', dataVolume: { name: 'root' } }],
        },
      },
    },
  }));
  engine.kubectl(['wait', '--for=condition=Ready', 'vm/guest', '--timeout=30s']);
  shell = await openGuestShell(engine, 'guest');
  await until('an address in the guest', async () => (await shell.run('ip addr show eth0')).includes('10.0.2.15'));
  await shell.run('nc -ll -p 7 -e cat >/dev/null 2>&1 & sleep 1', 20_000);
});

afterAll(async () => {
  shell.close();
  await engine.destroy();
  // It was given to the second engine, and is not that one's to remove.
  rmSync(engine.dataDir, { recursive: true, force: true });
});

describe('a Service', () => {
  it('leads a port of this computer into the guest, survives the engine, and closes with the Service', async () => {
    engine.kubectl(['apply', '-f', '-'], service('echo', { ports: [{ port: 7 }] }));
    await isOpen('echo');
    const port = read('echo').spec.ports?.[0]?.nodePort ?? 0;
    expect(await talk(port)).toBe('hello\n');
    expect(engine.kubectl(['get', 'svc', 'echo'])).toMatch(new RegExp(`echo\\s+NodePort\\s+<none>\\s+<none>\\s+7:${port}/TCP`));
    expect(engine.kubectl(['describe', 'service', 'echo'])).toContain(`127.0.0.1:${port} to 7`);

    await engine.program.stop('SIGKILL');
    expect(await talk(port)).toBe('hello\n');
    engine = await startEngine({ dataDir: engine.dataDir });
    shell = await openGuestShell(engine, 'guest');
    await isOpen('echo');
    engine.kubectl(['delete', 'service', 'echo']);
    await until('the port to be closed', async () => (await talk(port)) === 'ECONNREFUSED');
  });

  it('carries datagrams', async () => {
    engine.kubectl(['apply', '-f', '-'], service('datagrams', { ports: [{ port: 9, protocol: 'UDP' }] }));
    await isOpen('datagrams');
    const port = read('datagrams').spec.ports?.[0]?.nodePort ?? 0;
    const before = await datagramsToNobody();
    const socket = createSocket('udp4');
    await until('a datagram in the guest', async () => {
      socket.send('ping', port, '127.0.0.1');
      return (await datagramsToNobody()) > before;
    });
    socket.close();
    engine.kubectl(['delete', 'service', 'datagrams']);
  });

  it('of type LoadBalancer listens on its own port, too, and tells where', async () => {
    const port = await freePort();
    engine.kubectl(['apply', '-f', '-'], service('balanced', { type: 'LoadBalancer', ports: [{ port, targetPort: 7 }] }));
    await isOpen('balanced');
    expect(await talk(port)).toBe('hello\n');
    expect(read('balanced').status?.loadBalancer?.ingress?.[0]?.ip).toBe('127.0.0.1');
    engine.kubectl(['delete', 'service', 'balanced']);
  });

  it('says that its port is taken, and opens it when it is free', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    engine.kubectl(['apply', '-f', '-'], service('taken', { type: 'LoadBalancer', ports: [{ port, targetPort: 7 }] }));
    await until('the trouble to be told', () => condition('taken')?.reason === 'PortNotOpen');
    expect(condition('taken')?.message).toContain(`${port}`);
    expect(condition('taken')?.message).toContain('in use by another program');
    expect(engine.kubectl(['get', 'events'])).toContain('PortNotOpen');
    other.close();
    await isOpen('taken');
    engine.kubectl(['delete', 'service', 'taken']);
  });

  it('follows its selector', async () => {
    engine.kubectl(['apply', '-f', '-'], service('moving', { selector: { app: 'none' }, ports: [{ port: 7 }] }));
    await until('nobody to answer', () => condition('moving')?.reason === 'NoReadyMachine');
    engine.kubectl(['patch', 'service', 'moving', '-p', '{"spec":{"selector":{"app":"web"}}}']);
    await isOpen('moving');
    engine.kubectl(['delete', 'service', 'moving']);
  });

  it('of a kind that there is not is refused by its path', () => {
    expect(() => engine.kubectl(['create', 'service', 'clusterip', 'x', '--tcp=80:80'])).toThrow('spec.type');
    expect(() => engine.kubectl(['apply', '-f', '-'], service('x', { ports: [{ port: 80 }], clusterIP: 'None' }))).toThrow('spec.clusterIP');
    engine.kubectl(['create', 'service', 'nodeport', 'x', '--tcp=80:80']);
    engine.kubectl(['delete', 'service', 'x']);
  });
});

describe('portforward', () => {
  it.each(['virtualmachineinstances', 'virtualmachines'])('of %s carries bytes both ways, and leaves nothing behind', async (kind) => {
    const socket = portForward(`${kind}/guest/portforward/7/tcp`);
    let text = '';
    socket.on('message', (bytes: Buffer) => (text += bytes.toString()));
    await once(socket, 'open');
    const sent = 'x'.repeat(200_000);
    socket.send(Buffer.from(sent));
    await until('all of it to come back', () => text.length === sent.length);
    expect(text).toBe(sent);
    socket.close();
    await once(socket, 'close');
  });

  it('carries datagrams', async () => {
    const before = await datagramsToNobody();
    const socket = portForward('virtualmachineinstances/guest/portforward/9/udp');
    await once(socket, 'open');
    await until('a datagram in the guest', async () => {
      socket.send(Buffer.from('one'));
      return (await datagramsToNobody()) > before;
    });
    socket.close();
  });

  it('is refused with KubeVirt’s codes', async () => {
    expect(await refusedWith('virtualmachineinstances/nobody/portforward/22')).toBe(404);
    expect(await refusedWith('virtualmachineinstances/guest/portforward/0')).toBe(400);
    expect(await refusedWith('virtualmachineinstances/guest/portforward/22/sctp')).toBe(400);
    engine.kubectl(['apply', '-f', '-'], stringify({
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachine',
      metadata: { name: 'halted' },
      spec: { runStrategy: 'Halted', template: { spec: { domain: { memory: { guest: '64Mi' }, devices: {} } } } },
    }));
    expect(await refusedWith('virtualmachines/halted/portforward/22')).toBe(409);
    await engine.api('PUT', `${actions}/virtualmachineinstances/guest/pause`);
    await until('the pause to be told', async () => (await refusedWith('virtualmachineinstances/guest/portforward/7')) === 409);
    await engine.api('PUT', `${actions}/virtualmachineinstances/guest/unpause`);
  });
});
