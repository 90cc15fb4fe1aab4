/** What a person set for all uploads together, kept over the app's runs. */
import { readFileSync } from 'node:fs';
import { uploadSettings, type UploadSettings } from '#shared/contract/images.ts';
import { writeWhole } from '../kept/write-whole.ts';
import { Topic } from '../topics/topic.ts';

const usual: UploadSettings = { key: 'uploads', atOnce: 2 };

export class KeptUploadSettings {
  /** One item, the settings as they are. */
  readonly topic = new Topic<UploadSettings>({ key: ({ key }) => key });
  readonly #path: string;
  readonly #warn: (message: string, fields: Record<string, unknown>) => void;

  /** @param warn told of a file that cannot be read or written; settings then last as long as the app */
  constructor(path: string, warn: (message: string, fields: Record<string, unknown>) => void) {
    this.#path = path;
    this.#warn = warn;
    this.topic.put(this.#read());
  }

  get now(): UploadSettings {
    return this.topic.get(usual.key) ?? usual;
  }

  set(settings: UploadSettings): void {
    this.topic.put(settings);
    try {
      writeWhole(this.#path, JSON.stringify(settings));
    } catch (error) {
      this.#warn('The settings of uploads could not be written', { path: this.#path, error: String(error) });
    }
  }

  #read(): UploadSettings {
    try {
      return uploadSettings.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#warn('The settings of uploads could not be read', { path: this.#path, error: String(error) });
      return usual;
    }
  }
}
