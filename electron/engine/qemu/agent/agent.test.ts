import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { QmpEvent } from '../qmp.ts';
import { AGENT_CHARDEV, AGENT_PORT, AgentClient } from './agent.ts';

type Asked = { execute: string; arguments?: { id?: number } };

/** QEMU's end of the channel with an agent behind it that answers as the test says. */
let folder: string;
let server: Server;
let agent: AgentClient;
let line: Socket | undefined;
let asked: string[];
let tell: (event: QmpEvent) => void;
let answer: (message: Asked, socket: Socket) => void;
let open: boolean;
/** What comes together with the answer to a synchronization, before it. */
let before: string;

const reply = (socket: Socket, value: unknown): boolean => socket.write(`${JSON.stringify({ return: value })}\n`);
const port = (isOpen: boolean): void => tell({ event: 'VSERPORT_CHANGE', data: { id: AGENT_PORT, open: isOpen } });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-agent-'));
  asked = [];
  open = true;
  before = '';
  answer = ({ execute }, socket) => void reply(socket, execute);
  server = createServer((socket) => {
    line = socket;
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1').replaceAll('\xff', '');
      for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n')) {
        const message = JSON.parse(text.slice(0, at)) as Asked;
        text = text.slice(at + 1);
        asked.push(message.execute);
        if (message.execute === 'guest-sync-delimited') {
          socket.write(Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(`${JSON.stringify({ return: message.arguments?.id })}\n`)]));
        } else answer(message, socket);
      }
    });
  });
  const path = join(folder, 'agent.sock');
  await once(server.listen(path), 'listening');
  agent = new AgentClient(path, {
    command: () => Promise.resolve([{ label: AGENT_CHARDEV, 'frontend-open': open }]),
    onEvent: (listener) => {
      tell = listener;
      return () => undefined;
    },
  });
});

afterEach(() => {
  agent.close();
  server.close();
  rmSync(folder, { recursive: true });
});

describe('the guest agent’s client', () => {
  it('is connected when QEMU says so, first and later', async () => {
    const changes: boolean[] = [];
    agent.onChange(() => changes.push(agent.connected));
    await expect(agent.command('guest-info')).rejects.toMatchObject({ class: 'NotConnected' });
    await agent.look();
    port(false);
    port(true);
    tell({ event: 'VSERPORT_CHANGE', data: { id: 'another', open: false } });
    expect(changes).toEqual([true, false, true]);
  });

  it('agrees with the agent on where answers begin, once', async () => {
    await agent.look();
    expect(await Promise.all([agent.command('guest-info'), agent.command('guest-get-osinfo')])).toEqual(['guest-info', 'guest-get-osinfo']);
    expect(asked).toEqual(['guest-sync-delimited', 'guest-info', 'guest-get-osinfo']);
  });

  it('finds its answer behind others in one piece: the agent complains of the byte that begins a synchronization', async () => {
    before = '{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n{"return": "of an earlier client"}\n';
    await agent.look();
    expect(await agent.command('guest-info', {}, 1000)).toBe('guest-info');
    answer = ({ execute }, socket) => void socket.write(`${JSON.stringify({ return: execute })}\n{"return": "never asked for"}\n`);
    expect(await agent.command('guest-get-osinfo', {}, 1000)).toBe('guest-get-osinfo');
    expect(await agent.command('guest-get-users', {}, 1000)).toBe('guest-get-users');
  });

  it('does not take a late answer for that of the next command', async () => {
    await agent.look();
    answer = () => undefined;
    await expect(agent.command('guest-fsfreeze-freeze', {}, 30)).rejects.toMatchObject({ class: 'Timeout' });
    answer = ({ execute }, socket) => {
      reply(socket, execute);
    };
    line?.write('{"return": "late"}\n');
    expect(await agent.command('guest-info')).toBe('guest-info');
  });

  it('tells the agent’s refusal, and what makes no sense', async () => {
    await agent.look();
    answer = (_message, socket) => socket.write('{"error": {"class": "CommandNotFound", "desc": "no"}}\n');
    await expect(agent.command('guest-x')).rejects.toMatchObject({ class: 'CommandNotFound', message: 'no' });
    for (const odd of ['[1', 'null', '7', '{}']) {
      answer = (_message, socket) => socket.write(`${odd}\n`);
      await expect(agent.command('guest-x')).rejects.toMatchObject({ class: 'BadAnswer' });
    }
  });

  it('gives up on an answer without an end, and goes on with a new connection', async () => {
    await agent.look();
    answer = (_message, socket) => socket.write(Buffer.alloc(5 * 2 ** 20, 0x20));
    await expect(agent.command('guest-x')).rejects.toMatchObject({ class: 'BadAnswer' });
    answer = (_message, socket) => reply(socket, 'well');
    expect(await agent.command('guest-x')).toBe('well');
  });

  it('fails what waits when the agent goes, or the channel ends', async () => {
    await agent.look();
    answer = () => port(false);
    await expect(agent.command('guest-x')).rejects.toMatchObject({ class: 'NotConnected' });
    port(true);
    answer = (_message, socket) => socket.destroy();
    await expect(agent.command('guest-x')).rejects.toMatchObject({ class: 'NotConnected' });
  });

  it('runs nothing in a guest', async () => {
    await agent.look();
    await expect(agent.command('guest-exec', { path: '/bin/true' })).rejects.toMatchObject({ class: 'Refused' });
    expect(asked).toEqual([]);
  });
});
