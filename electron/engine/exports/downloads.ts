/** Downloads under way: which files they read, and an end for all of an export when its disks are needed otherwise. */

interface Download {
  exportUid: string;
  path: string;
  abort: AbortController;
}

export class Downloads {
  readonly #running = new Set<Download>();

  /** @returns a signal for its end, and what to call when it is over */
  begin(exportUid: string, path: string): { signal: AbortSignal; over: () => void } {
    const download: Download = { exportUid, path, abort: new AbortController() };
    this.#running.add(download);
    return { signal: download.abort.signal, over: () => void this.#running.delete(download) };
  }

  /** Whether the file is being read; it must not be changed then. */
  reads(path: string): boolean {
    return [...this.#running].some((download) => download.path === path);
  }

  /** @param exportUid undefined: all */
  end(exportUid?: string): void {
    for (const download of this.#running) {
      if (exportUid === undefined || download.exportUid === exportUid) download.abort.abort(new Error('The export has ended.'));
    }
  }
}
