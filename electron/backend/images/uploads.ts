/** The list of uploads, and what a person does with them. */
import { setTimeout as delay } from 'node:timers/promises';
import { asHayloftError, HayloftError } from '#shared/contract/errors.ts';
import type { Upload, UploadTarget } from '#shared/contract/images.ts';
import { fileChanged } from '#shared/images/file-changed.ts';
import type { Clusters } from '../clusters/clusters.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { Topic } from '../topics/topic.ts';
import { WantedSums } from './checksum/wanted-sums.ts';
import { isSameFile } from './file-identity.ts';
import { removeVolume } from './image-volume.ts';
import { UploadControl, type UploadStop } from './upload-control.ts';
import type { UploadEntry, UploadJournal } from './upload-journal.ts';
import { UploadQueue } from './upload-queue.ts';
import { runUpload } from './upload-run.ts';
import { fileSource, type UploadSource } from './upload-source.ts';

/** How many send at the same time: more only take each other's rate. */
const places = 2;
/** How long closing waits for cancelled uploads to clean up, in milliseconds. */
const closeWithinMs = 3000;

type Change = { [K in keyof Upload]?: Upload[K] | undefined };

export class Uploads {
  readonly topic = new Topic<Upload>({ key: (item) => item.id });
  readonly #clusters: Clusters;
  readonly #journal: UploadJournal;
  readonly #controls = new Map<string, UploadControl>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #queue = new UploadQueue(places);
  readonly #closed = new AbortController();
  readonly #wanted = new WantedSums();

  constructor(clusters: Clusters, journal: UploadJournal) {
    this.#clusters = clusters;
    this.#journal = journal;
  }

  /** Goes on with what was under way when the app ended. */
  goOn(): void {
    for (const entry of this.#journal.read()) {
      const opening = fileSource(entry.path).then((source) => {
        const { sizeBytes, modifiedMs, inode = source.file?.inode } = entry;
        const same = inode !== undefined && source.file && isSameFile({ size: sizeBytes, mtimeMs: modifiedMs, ino: inode }, source.file);
        if (!same) throw fileChanged();
        return source;
      });
      this.#start(entry.id, entry, entry.sizeBytes, opening, entry).catch(() => undefined);
    }
  }

  /**
   * Begins an upload. What can be told from the file's first bytes is told before anything is made.
   * @param opening the file, which may still be on its way: its first bytes come when the sender knows that they are waited for
   * @returns its id, and a promise of its end that rejects with the error that the list shows, too
   */
  begin(target: UploadTarget, totalBytes: number, opening: Promise<UploadSource>): { id: string; finished: Promise<void> } {
    const id = crypto.randomUUID();
    return { id, finished: this.#start(id, target, totalBytes, opening) };
  }

  pause(id: string): void {
    const state = this.topic.get(id)?.state;
    if (state !== 'waiting' && state !== 'sending') return;
    this.#controls.get(id)?.pause();
    this.#change(id, { state: 'paused', rate: 0, secondsLeft: undefined });
    this.#journal.change(id, { paused: true });
  }

  resume(id: string): void {
    if (this.topic.get(id)?.state !== 'paused') return;
    this.#change(id, { state: 'sending' });
    this.#controls.get(id)?.resume();
    this.#journal.change(id, { paused: false });
  }

  cancel(id: string): void {
    this.#controls.get(id)?.end('cancel');
  }

  /**
   * Says what SHA-256 files should have. One that is under way is refused at its end when it has another; of one that has
   * ended the list tells.
   * @param id the upload that is meant; otherwise the sums are by files' names, and hold for later ones, too
   * @returns names of the files in the list that are meant. Throws HayloftError `bad-input` or `not-found`.
   */
  expectSums(text: string, id?: string): string[] {
    const items = id === undefined ? [...this.topic.values()] : [this.topic.get(id)].filter((item) => item !== undefined);
    if (id !== undefined && items.length === 0) throw new HayloftError('not-found', 'This upload is not in the list any more.');
    const found = this.#wanted.read(text, items, id !== undefined);
    for (const [of, wanted] of found) {
      this.#change(of, { sum: { ...this.topic.get(of)?.sum, wanted } });
      this.#journal.change(of, { wanted });
    }
    return items.filter((item) => found.has(item.id)).map(({ fileName }) => fileName);
  }

  /** Takes an ended upload off the list; one that is still going is canceled first. */
  dismiss(id: string): void {
    this.cancel(id);
    this.topic.remove(id);
  }

  /** Ends what runs: files go on in the app's next run, all else leaves nothing behind. Takes a few seconds at most. */
  async close(): Promise<void> {
    for (const [id, control] of this.#controls) control.end(this.#journal.has(id) ? 'leave' : 'cancel');
    await Promise.race([Promise.all(this.#running), delay(closeWithinMs, undefined, { ref: false })]);
    this.#closed.abort();
  }

  #start(id: string, target: UploadTarget, totalBytes: number, opening: Promise<UploadSource>, entry?: UploadEntry): Promise<void> {
    const { clusterId, namespace, fileName } = target;
    const control = new UploadControl(entry?.paused);
    this.#controls.set(id, control);
    const state = entry === undefined ? 'preparing' : entry.paused ? 'paused' : 'waiting';
    const wanted = entry?.wanted ?? this.#wanted.of(fileName);
    this.topic.put({ id, clusterId, namespace, name: entry?.name ?? '', fileName, totalBytes, sentBytes: 0, rate: 0, state, ...(wanted === undefined ? {} : { sum: { wanted } }) });
    const finished = this.#run(id, target, opening, control, entry).finally(() => this.#controls.delete(id));
    const settled = finished.catch(() => undefined).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    return finished;
  }

  async #run(id: string, target: UploadTarget, opening: Promise<UploadSource>, control: UploadControl, entry: UploadEntry | undefined): Promise<void> {
    let made: { cluster: ClusterConnection; name: string } | undefined;
    try {
      if (entry?.name !== undefined) made = { cluster: this.#clusters.get(target.clusterId), name: entry.name };
      if (entry === undefined) void opening.then((source) => this.#note(id, target, source), () => undefined);
      await runUpload({
        target,
        cluster: () => this.#clusters.get(target.clusterId),
        opening,
        name: entry?.name,
        control,
        wanted: () => this.topic.get(id)?.sum?.wanted,
        queue: this.#queue,
        tell: (change) => this.#change(id, change),
        made: (cluster, name) => {
          made = { cluster, name };
          this.#journal.change(id, { name });
        },
      });
      this.#journal.remove(id);
    } catch (error) {
      throw await this.#failed(id, target, asHayloftError(error), { made, stopped: control.stopped });
    }
  }

  /** What it needs in the app's next run, where that can go on: bytes from a browser are gone with its page. */
  #note(id: string, { clusterId, namespace, fileName }: UploadTarget, { file, sizeBytes }: UploadSource): void {
    if (file) this.#journal.put({ id, clusterId, namespace, fileName, path: file.path, modifiedMs: file.modifiedMs, inode: file.inode, sizeBytes, paused: false, wanted: this.#wanted.of(fileName) });
  }

  async #failed(
    id: string,
    target: UploadTarget,
    error: ReturnType<typeof asHayloftError>,
    { made, stopped }: { made: { cluster: ClusterConnection; name: string } | undefined; stopped: UploadStop | undefined },
  ): Promise<Error> {
    if (stopped === 'leave') return error;
    this.#journal.remove(id);
    if (made) await removeVolume(made.cluster, target.namespace, made.name, this.#closed.signal);
    const state = error.code === 'cancelled' ? 'cancelled' : 'failed';
    this.#change(id, { state, error: error.toData(), rate: 0, secondsLeft: undefined });
    return error;
  }

  #change(id: string, change: Change): void {
    const before = this.topic.get(id);
    // Dismissed in the meantime.
    if (!before) return;
    // What somebody said comes from elsewhere than what was found.
    const sum = change.sum && { ...(before.sum?.wanted === undefined ? {} : { wanted: before.sum.wanted }), ...change.sum };
    this.topic.put({ ...before, ...change, ...(sum ? { sum } : {}) });
  }
}
