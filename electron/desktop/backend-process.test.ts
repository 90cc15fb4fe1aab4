import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createChannelClient } from '#shared/channel/client.ts';
import { portCarrier } from '#shared/channel/port-carrier.ts';
import { MessageChannelMain } from '../../test/desktop/electron-stand-in.ts';

/** In place of the real backend, which would start an engine. */
const backend = {
  handlers: {
    calls: { 'app.info': () => Promise.resolve({ version: '1', host: 'desktop', platform: 'linux', arch: 'x64', dataDir: '/' }) },
    topics: {},
    streams: {},
  },
  begin: vi.fn(),
  close: vi.fn(() => Promise.resolve()),
};
const createBackend = vi.fn((options: object) => ({ ...backend, options }));
vi.mock('../backend/backend.ts', () => ({ createBackend }));

const parentPort = new EventEmitter();
const { argv } = process;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-backend-'));
  process.argv = ['electron', 'backend-process.js', folder];
  Object.assign(process, { parentPort });
  await import('./backend-process.ts');
});
afterAll(() => {
  process.argv = argv;
  Reflect.deleteProperty(process, 'parentPort');
  rmSync(folder, { recursive: true });
});

it('composes the backend for the desktop, and lets it begin', () => {
  expect(createBackend).toHaveBeenCalledWith(expect.objectContaining({ host: 'desktop', dataDir: folder }));
  expect(backend.begin).toHaveBeenCalledOnce();
});

it('serves every port that it is given', async () => {
  for (let connection = 0; connection < 2; connection += 1) {
    const { port1, port2 } = new MessageChannelMain();
    parentPort.emit('message', { data: 'connect', ports: [port1] });
    const carrier = portCarrier(port2);
    expect(await createChannelClient(carrier).call('app.info', {})).toMatchObject({ host: 'desktop' });
    carrier.close();
  }
});

it('finishes and exits when it is told to', async () => {
  const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
  parentPort.emit('message', { data: 'close', ports: [] });
  await vi.waitFor(() => expect(exit).toHaveBeenCalledWith(0));
  expect(backend.close).toHaveBeenCalledOnce();
  exit.mockRestore();
});
