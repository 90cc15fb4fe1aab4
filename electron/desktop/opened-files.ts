/** Files that the system hands to the app: dropped on its icon in the dock, opened with it, or named on its command line. */
import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { App, IpcMain } from 'electron';
import { FILES, TAKE_FILES } from './ipc-names.ts';
import { isOwnPage } from './sender.ts';

/** More were no choice of a person's. */
const mostFiles = 100;

export interface OpenedFilesOptions {
  app: Pick<App, 'on'>;
  ipc: Pick<IpcMain, 'on'>;
  /** Of this program's own start. */
  argv: readonly string[];
  cwd: string;
  /** Gives them to the page, where there is one. */
  send: (channel: string, files: readonly OpenedFile[]) => void;
  /** Told the address of whoever else asked. */
  onForeign: (address: string) => void;
}

export interface OpenedFile {
  name: string;
  path: string;
}

/**
 * To be called before Electron is ready: macOS tells of a file that the app is started with before that. Files wait until
 * the page says that it takes them.
 */
export function takeOpenedFiles({ app, ipc, argv, cwd, send, onForeign }: OpenedFilesOptions): void {
  const waiting = filesIn(argv, cwd);
  let taken = false;
  const add = (files: readonly OpenedFile[]): void => {
    if (files.length === 0) return;
    if (taken) send(FILES, files);
    else waiting.push(...files);
  };
  app.on('open-file', (event, path) => {
    event.preventDefault();
    add([{ name: basename(path), path }]);
  });
  app.on('second-instance', (_event, others, folder) => add(filesIn(others, folder)));
  ipc.on(TAKE_FILES, (event) => {
    if (!isOwnPage(event)) {
      onForeign(event.senderFrame?.url ?? 'a frame that is gone');
      return;
    }
    taken = true;
    if (waiting.length > 0) send(FILES, waiting.splice(0));
  });
  // A page that goes takes nothing until the next one says so.
  app.on('browser-window-created', () => (taken = false));
}

/** What of a command line is a file: neither the program itself, nor a switch or its value. */
function filesIn([, ...words]: readonly string[], cwd: string): OpenedFile[] {
  return words
    .filter((word, index) => !word.startsWith('-') && words[index - 1] !== '--data-dir')
    .map((word) => resolve(cwd, word))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    .slice(0, mostFiles)
    .map((path) => ({ name: basename(path), path }));
}
