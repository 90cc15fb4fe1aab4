/** Keeps saved views in a file of the data folder. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { savedView, type SavedView } from '#shared/contract/saved-views.ts';
import { KeptList, type KeptListOptions } from '../topics/kept-list.ts';
import type { Topic } from '../topics/topic.ts';

export class SavedViews {
  readonly #views: KeptList<SavedView>;

  /** @param path of the file, in a folder that is there */
  constructor(path: string, log: KeptListOptions<SavedView>['log']) {
    this.#views = new KeptList({ path, item: savedView, key: ({ name }) => name, most: 200, words: { one: 'view', all: 'saved views' }, log });
  }

  get topic(): Topic<SavedView> {
    return this.#views.topic;
  }

  calls(): Pick<CallHandlers, 'views.save' | 'views.delete'> {
    return {
      'views.save': (view) => {
        this.#views.put(view);
        return Promise.resolve({});
      },
      'views.delete': ({ name }) => {
        this.#views.remove(name);
        return Promise.resolve({});
      },
    };
  }
}
