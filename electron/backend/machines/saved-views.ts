/** Keeps saved views in a file of the data folder. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import { savedView, type SavedView } from '#shared/contract/saved-views.ts';
import { Topic } from '../topics/topic.ts';

/** More than anyone can tell apart. */
const mostViews = 200;

export class SavedViews {
  readonly topic = new Topic<SavedView>({ key: ({ name }) => name });
  readonly #path: string;

  /**
   * Reads what was kept. A file that cannot be understood is put aside as `….damaged`, never overwritten.
   * @param path of the file, in a folder that is there
   */
  constructor(path: string, log: { warn(message: string, fields?: Record<string, unknown>): void }) {
    this.#path = path;
    try {
      this.topic.put(...z.array(savedView).parse(JSON.parse(readFileSync(path, 'utf8'))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      log.warn('The saved views could not be read', { path, error: String(error) });
      renameSync(path, `${path}.damaged`);
    }
  }

  calls(): Pick<CallHandlers, 'views.save' | 'views.delete'> {
    return {
      'views.save': (view) => {
        const views = [...this.topic.values().filter(({ name }) => name !== view.name), view];
        if (views.length > mostViews) {
          throw new HayloftError('bad-input', `There are ${mostViews} saved views already.`, { hint: 'Delete one that is not used any more.' });
        }
        this.#write(views);
        this.topic.put(view);
        return Promise.resolve({});
      },
      'views.delete': ({ name }) => {
        this.#write(this.topic.values().filter((view) => view.name !== name));
        this.topic.remove(name);
        return Promise.resolve({});
      },
    };
  }

  /** The file is whole at every moment; what was answered is on the disk. */
  #write(views: readonly SavedView[]): void {
    const partial = `${this.#path}.${process.pid}.partial`;
    try {
      writeFileSync(partial, `${JSON.stringify(views, undefined, 2)}\n`, { mode: 0o600, flush: true });
      renameSync(partial, this.#path);
    } catch (error) {
      throw new HayloftError('internal', 'The view could not be saved.', { hint: 'Check that Hayloft’s data folder can be written and has room.', cause: error });
    } finally {
      rmSync(partial, { force: true });
    }
  }
}
