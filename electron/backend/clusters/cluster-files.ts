/** The kubeconfigs that are kept, one file a cluster, readable by their owner alone; watched for what others change. */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, watch, writeFileSync, type FSWatcher } from 'node:fs';
import { join } from 'node:path';

const settleMs = 100;

export interface ClusterFile {
  /** The file's name without its ending, which is the cluster's id. */
  id: string;
  path: string;
}

export class ClusterFiles {
  readonly #folder: string;
  #watcher: FSWatcher | undefined;
  #settling: NodeJS.Timeout | undefined;

  /** @param folder made if missing, 0700 */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  list(): ClusterFile[] {
    return readdirSync(this.#folder)
      .sort()
      .flatMap((file) => {
        const [, id] = /^([^.].*)\.ya?ml$/.exec(file) ?? [];
        return id === undefined ? [] : [{ id, path: join(this.#folder, file) }];
      });
  }

  /** Writes a file that is whole or not there, 0600. @returns its id: the name made fit for a file, and unique */
  add(name: string, text: string): ClusterFile {
    const taken = new Set(this.list().map(({ id }) => id));
    const base = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '').slice(0, 60) || 'cluster';
    let id = base;
    for (let n = 2; taken.has(id) || id === 'local'; n += 1) id = `${base}-${n}`;
    const path = join(this.#folder, `${id}.yaml`);
    this.write(path, text);
    return { id, path };
  }

  write(path: string, text: string): void {
    const partial = join(this.#folder, `.${process.pid}-${Date.now()}.partial`);
    try {
      writeFileSync(partial, text, { mode: 0o600, flag: 'wx', flush: true });
      chmodSync(partial, 0o600);
      renameSync(partial, path);
    } finally {
      rmSync(partial, { force: true });
    }
  }

  remove(path: string): void {
    rmSync(path, { force: true });
  }

  /** Calls back a moment after anything in the folder was changed, by whomever. */
  follow(changed: () => void): void {
    this.#watcher = watch(this.#folder, { persistent: false }, () => {
      clearTimeout(this.#settling);
      this.#settling = setTimeout(changed, settleMs);
      this.#settling.unref();
    });
    // A folder that goes away tells nothing more; what is known of its clusters stays.
    this.#watcher.on('error', () => this.close());
  }

  close(): void {
    clearTimeout(this.#settling);
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
