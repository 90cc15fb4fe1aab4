import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FILES, TAKE_FILES } from './ipc-names.ts';
import { takeOpenedFiles } from './opened-files.ts';

const page = { senderFrame: { url: 'app://hayloft/', parent: null } };
let folder: string;
let app: EventEmitter;
let ipc: EventEmitter;
const send = vi.fn();
const onForeign = vi.fn();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hayloft-opened-'));
  for (const name of ['a.iso', 'b "🦄".img']) writeFileSync(join(folder, name), 'x');
  app = new EventEmitter();
  ipc = new EventEmitter();
  send.mockClear();
  onForeign.mockClear();
});
afterEach(() => rmSync(folder, { recursive: true }));

const begin = (...argv: string[]): void => takeOpenedFiles({ app: app as never, ipc: ipc as never, argv: ['/usr/bin/hayloft', ...argv], cwd: folder, send, onForeign });
const file = (name: string): object => ({ name, path: join(folder, name) });

it('keeps files until the page takes them, and hands over later ones at once', () => {
  begin('a.iso', '--data-dir', folder, '--flag', folder, 'not-there.iso');
  const event = { preventDefault: vi.fn() };
  app.emit('open-file', event, join(folder, 'b "🦄".img'));
  expect(event.preventDefault).toHaveBeenCalled();
  expect(send).not.toHaveBeenCalled();
  ipc.emit(TAKE_FILES, page);
  expect(send.mock.calls).toEqual([[FILES, [file('a.iso'), file('b "🦄".img')]]]);
  app.emit('second-instance', {}, ['/usr/bin/hayloft', 'a.iso'], folder);
  expect(send.mock.calls[1]).toEqual([FILES, [file('a.iso')]]);
  ipc.emit(TAKE_FILES, page);
  expect(send).toHaveBeenCalledTimes(2);
});

it('waits for the page of a new window', () => {
  begin();
  ipc.emit(TAKE_FILES, page);
  app.emit('browser-window-created');
  app.emit('second-instance', {}, ['/usr/bin/hayloft', 'a.iso'], folder);
  expect(send).not.toHaveBeenCalled();
  ipc.emit(TAKE_FILES, page);
  expect(send).toHaveBeenCalledWith(FILES, [file('a.iso')]);
});

it('tells no foreign page of files', () => {
  begin('a.iso');
  ipc.emit(TAKE_FILES, { senderFrame: { url: 'https://example.org/', parent: null } });
  expect(send).not.toHaveBeenCalled();
  expect(onForeign).toHaveBeenCalledWith('https://example.org/');
});
