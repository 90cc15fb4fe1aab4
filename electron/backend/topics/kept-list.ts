/** A topic whose items are kept in a file of the data folder. */
import { readFileSync, renameSync } from 'node:fs';
import { z } from 'zod';
import { HayloftError } from '#shared/contract/errors.ts';
import { writeWhole } from '../kept/write-whole.ts';
import { Topic } from './topic.ts';

export interface KeptListOptions<Item> {
  /** Of the file, in a folder that is there. */
  path: string;
  item: z.ZodType<Item>;
  key: (item: Item) => string;
  /** More than anyone can tell apart. */
  most: number;
  /** One of them, and all of them, in words. */
  words: { one: string; all: string };
  log: { warn(message: string, fields?: Record<string, unknown>): void };
}

export class KeptList<Item> {
  readonly topic: Topic<Item>;
  readonly #options: KeptListOptions<Item>;

  /** Reads what was kept. A file that cannot be understood is put aside as `….damaged`, never overwritten. */
  constructor(options: KeptListOptions<Item>) {
    const { path, item, key, words, log } = options;
    this.#options = options;
    this.topic = new Topic<Item>({ key });
    try {
      this.topic.put(...z.array(item).parse(JSON.parse(readFileSync(path, 'utf8'))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      log.warn(`The ${words.all} could not be read`, { path, error: String(error) });
      renameSync(path, `${path}.damaged`);
    }
  }

  /** Keeps an item, in place of the one of the same key, and of the one of the key `instead`. */
  put(item: Item, instead?: string): void {
    const { key, most, words } = this.#options;
    const name = key(item);
    const others = this.topic.values().filter((other) => key(other) !== name && key(other) !== instead);
    if (others.length >= most) {
      throw new HayloftError('bad-input', `There are ${most} ${words.all} already.`, { hint: 'Delete one that is not used any more.' });
    }
    this.#write([...others, item]);
    if (instead !== undefined && instead !== name) this.topic.remove(instead);
    this.topic.put(item);
  }

  remove(name: string): void {
    this.#write(this.topic.values().filter((item) => this.#options.key(item) !== name));
    this.topic.remove(name);
  }

  /** The file is whole at every moment; what was answered is on the disk. */
  #write(items: readonly Item[]): void {
    const { path, words } = this.#options;
    try {
      writeWhole(path, `${JSON.stringify(items, undefined, 2)}\n`);
    } catch (error) {
      throw new HayloftError('internal', `The ${words.one} could not be saved.`, { hint: 'Check that Hayloft’s data folder can be written and has room.', cause: error });
    }
  }
}
