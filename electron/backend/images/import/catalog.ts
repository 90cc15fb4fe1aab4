/** The catalog: what is known, what a person added, and the mirror that both are fetched from. */
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { catalogEntry, catalogSettings, type CatalogEntry, type CatalogSettings } from '#shared/contract/catalog.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import { imageUrl } from '#shared/catalog/addresses.ts';
import { knownImages } from '#shared/catalog/catalog.ts';
import { KeptList, type KeptListOptions } from '../../topics/kept-list.ts';
import { Topic } from '../../topics/topic.ts';

export class Catalog {
  /** All entries. */
  readonly topic = new Topic<CatalogEntry>({ key: ({ id }) => id });
  readonly settings: Topic<CatalogSettings>;
  readonly #own: KeptList<CatalogEntry>;
  readonly #settings: KeptList<CatalogSettings>;

  /** @param dataDir a folder that is there */
  constructor(dataDir: string, log: KeptListOptions<CatalogEntry>['log']) {
    this.#own = new KeptList({ path: join(dataDir, 'catalog.json'), item: catalogEntry, key: ({ id }) => id, most: 500, words: { one: 'entry', all: 'entries of the catalog' }, log });
    this.#settings = new KeptList({ path: join(dataDir, 'catalog-settings.json'), item: catalogSettings, key: ({ key }) => key, most: 1, words: { one: 'setting', all: 'settings of the catalog' }, log });
    this.settings = this.#settings.topic;
    if (this.settings.get('catalog') === undefined) this.settings.put({ key: 'catalog' });
    this.topic.put(...knownImages.map((entry) => ({ ...entry, own: false })), ...this.#own.topic.values());
  }

  get mirror(): string | undefined {
    return this.settings.get('catalog')?.mirror;
  }

  /** @throws HayloftError `not-found` */
  entry(id: string): CatalogEntry {
    const found = this.topic.get(id);
    if (!found) throw new HayloftError('not-found', 'This entry is not in the catalog any more.');
    return found;
  }

  save({ id, ...entry }: Omit<CatalogEntry, 'id' | 'own' | 'url'> & { id?: string | undefined; url: string }): void {
    if (id !== undefined) this.#refuseKnown(id);
    const checksumUrl = entry.checksumUrl === undefined ? undefined : imageUrl(entry.checksumUrl, 'checksumUrl').href;
    const own: CatalogEntry = { ...entry, url: imageUrl(entry.url).href, ...(checksumUrl === undefined ? {} : { checksumUrl }), id: id ?? `own-${randomUUID()}`, own: true };
    this.#own.put(own);
    this.topic.put(own);
  }

  remove(id: string): void {
    this.#refuseKnown(id);
    this.#own.remove(id);
    this.topic.remove(id);
  }

  setMirror(mirror: string | undefined): void {
    this.#settings.put({ key: 'catalog', ...(mirror === undefined ? {} : { mirror: imageUrl(mirror, 'mirror').href.replace(/\/+$/, '') }) });
  }

  #refuseKnown(id: string): void {
    if (knownImages.some((entry) => entry.id === id)) throw new HayloftError('bad-input', 'Only entries that you added can be changed.');
  }
}
