/** Uploads of this computer's files that are under way, on disk, so that they go on after the app was closed or has crashed. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { uploadTarget } from '#shared/contract/images.ts';
import { writeWhole } from '../kept/write-whole.ts';

const entry = uploadTarget.extend({
  id: z.string(),
  path: z.string(),
  sizeBytes: z.number(),
  /** The file's last change, in milliseconds since 1970: another one is not gone on with. */
  modifiedMs: z.number(),
  /** Absent in what earlier versions wrote. */
  inode: z.number().optional(),
  paused: z.boolean(),
  /** Of its volume, once that is made. */
  name: z.string().optional(),
  /** How it is sent; absent in what earlier versions wrote. */
  way: z.enum(['volume', 'image', 'served']).optional(),
  /** Where the cluster fetches it. */
  door: z.object({ address: z.string(), port: z.number(), secret: z.string() }).optional(),
  /** The SHA-256 that it should have, in hex. */
  wanted: z.string().optional(),
});
export type UploadEntry = z.infer<typeof entry>;

export class UploadJournal {
  readonly #path: string;
  readonly #warn: (message: string, fields: Record<string, unknown>) => void;
  readonly #entries = new Map<string, UploadEntry>();

  /** @param warn told of a journal that cannot be read or written; uploads then last as long as the app */
  constructor(path: string, warn: (message: string, fields: Record<string, unknown>) => void) {
    this.#path = path;
    this.#warn = warn;
  }

  /** What was under way when the app ended; an entry that is not understood is left out. */
  read(): UploadEntry[] {
    try {
      for (const item of z.array(z.unknown()).parse(JSON.parse(readFileSync(this.#path, 'utf8')))) {
        const { data } = entry.safeParse(item);
        if (data) this.#entries.set(data.id, data);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#failed('read', error);
    }
    return [...this.#entries.values()];
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  put(item: UploadEntry): void {
    this.#entries.set(item.id, item);
    this.#write();
  }

  /** Does nothing where there is no such entry. */
  change(id: string, change: Partial<Pick<UploadEntry, 'name' | 'paused' | 'wanted' | 'way' | 'door'>>): void {
    const before = this.#entries.get(id);
    if (before) this.put({ ...before, ...change });
  }

  remove(id: string): void {
    if (this.#entries.delete(id)) this.#write();
  }

  #write(): void {
    try {
      writeWhole(this.#path, JSON.stringify([...this.#entries.values()], undefined, 1));
    } catch (error) {
      this.#failed('written', error);
    }
  }

  #failed(what: string, error: unknown): void {
    this.#warn(`The list of uploads could not be ${what}`, { path: this.#path, error: String(error) });
  }
}
