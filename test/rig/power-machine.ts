/** Machines whose guest obeys the power button and a few keys (see images/power-disk.ts), made through the API. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket from 'ws';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { RunStrategy } from '#shared/kube/kubevirt.ts';
import type { EngineClient } from './engine-client.ts';
import { rigImage } from './images/rig-image.ts';
import { until } from './until.ts';

const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';
const volumes = '/apis/cdi.kubevirt.io/v1beta1/namespaces/default/datavolumes';

export interface PowerImages {
  url: string;
  close(): void;
}

/** Serves the guest's disk to whoever imports it. */
export async function servePowerDisk(): Promise<PowerImages> {
  const disk = readFileSync(rigImage('power-disk'));
  const server = createServer((_request, response) => response.end(disk));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/power.raw`, close: () => server.close() };
}

export interface PowerMachine {
  name: string;
  runStrategy: RunStrategy;
  /** Default 30. */
  graceSeconds?: number;
  annotations?: Record<string, string>;
}

/** Makes the machine; resolves when its disk is there. */
export async function makePowerMachine(engine: EngineClient, images: PowerImages, machine: PowerMachine): Promise<void> {
  const { name, runStrategy, graceSeconds = 30, annotations = {} } = machine;
  const root = `${name}-root`;
  const answer = await engine.api('POST', machines, {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name, annotations },
    spec: {
      runStrategy,
      dataVolumeTemplates: [
        { metadata: { name: root }, spec: { source: { http: { url: images.url } }, storage: { resources: { requests: { storage: '1Mi' } } } } },
      ],
      template: {
        spec: {
          terminationGracePeriodSeconds: graceSeconds,
          domain: {
            memory: { guest: '32Mi' },
            devices: { disks: [{ name: 'root', disk: { bus: 'virtio' } }], autoattachMemBalloon: false, panicDevices: [{ model: 'isa' }] },
          },
          volumes: [{ name: 'root', dataVolume: { name: root } }],
        },
      },
    },
  });
  if (answer.status !== 201) throw new Error(answer.text);
  await until(`${name}'s disk`, async () => (await engine.api('GET', `${volumes}/${root}`)).json<DataVolume>().status?.phase === 'Succeeded');
}

/** What a machine's serial line says from its last 64 KiB on: a B a boot. */
export function readSerialLine(engine: EngineClient, machine: string): { text(): string; close(): void } {
  const path = `/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/${machine}/console`;
  const socket = new WebSocket(`${engine.endpoint.replace('https', 'wss')}${path}`, ['plain.kubevirt.io'], {
    ca: engine.ca,
    headers: { authorization: `Bearer ${engine.token}` },
  });
  let text = '';
  socket.on('message', (bytes: Buffer) => (text += bytes.toString('latin1')));
  socket.on('error', () => undefined);
  return { text: () => text, close: () => socket.terminate() };
}

/**
 * Resolves when a machine's guest has begun for the n-th time since its instance did, as far as its serial line tells. On a
 * busy computer a guest says so before anyone listens, and is reset to say it again.
 */
export async function booted(engine: EngineClient, machine: string, times = 1): Promise<void> {
  await until(`${machine} to boot`, async () => {
    const line = readSerialLine(engine, machine);
    try {
      return await until('its word', () => line.text().split('B').length > times, 5000);
    } catch {
      await engine.api('PUT', `/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachineinstances/${machine}/reset`);
      return undefined;
    } finally {
      line.close();
    }
  });
}
