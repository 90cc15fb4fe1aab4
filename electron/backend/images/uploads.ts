/** The list of uploads, and what a person does with them. */
import { setTimeout as delay } from 'node:timers/promises';
import { asHayloftError, HayloftError } from '#shared/contract/errors.ts';
import type { Upload, UploadSettings, UploadTarget } from '#shared/contract/images.ts';
import { fileChanged } from '#shared/images/file-changed.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import type { Clusters } from '../clusters/clusters.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import type { Kind } from '../clusters/kinds.ts';
import { Topic } from '../topics/topic.ts';
import { WantedSums } from './checksum/wanted-sums.ts';
import { isSameFile } from './file-identity.ts';
import { removeMade } from './image-volume.ts';
import { RateLimit } from './rate-limit.ts';
import type { ForMachine } from './for-machine.ts';
import { UploadControl, type UploadStop } from './upload-control.ts';
import type { UploadEntry, UploadJournal } from './upload-journal.ts';
import { UploadQueue } from './upload-queue.ts';
import { runUpload } from './upload-run.ts';
import type { KeptUploadSettings } from './upload-settings.ts';
import { fileSource, type UploadSource } from './upload-source.ts';
import { chooseWay, madeKinds } from './ways/choose-way.ts';
import type { UploadWay } from './ways/way.ts';

/** How long closing waits for cancelled uploads to clean up, in milliseconds. */
const closeWithinMs = 3000;

type Change = { [K in keyof Upload]?: Upload[K] | undefined };
/** What an upload has made in its cluster. */
interface Made {
  cluster: ClusterConnection;
  kind: Kind<KubeObject>;
  name: string;
}
/** One upload, as long as it goes on. */
interface Going {
  id: string;
  target: UploadTarget;
  opening: Promise<UploadSource>;
  control: UploadControl;
  /** What an earlier run of the app began; of a new upload a person may have chosen its way. */
  entry: Partial<UploadEntry>;
  made?: Made;
}

export class Uploads {
  readonly topic = new Topic<Upload>({ key: (item) => item.id });
  readonly #clusters: Clusters;
  readonly #journal: UploadJournal;
  readonly #settings: KeptUploadSettings;
  readonly #going = new Map<string, { control: UploadControl; finished: Promise<void> }>();
  /** Files of this computer that are in the list, by the upload's id. */
  /** What is done with an image that was dropped on a machine. */
  afterwards: ForMachine = () => Promise.resolve(undefined);
  readonly #files = new Map<string, { target: UploadTarget; path: string }>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #queue: UploadQueue;
  readonly #limit = new RateLimit();
  readonly #closed = new AbortController();
  readonly #wanted = new WantedSums();

  constructor(clusters: Clusters, journal: UploadJournal, settings: KeptUploadSettings) {
    this.#clusters = clusters;
    this.#journal = journal;
    this.#settings = settings;
    this.#queue = new UploadQueue(settings.now.atOnce);
    this.#limit.bytesPerSecond = settings.now.bytesPerSecond;
  }

  get settings(): Topic<UploadSettings> {
    return this.#settings.topic;
  }

  /** For those that go on, too, from the next byte. */
  setSettings(settings: UploadSettings): void {
    this.#settings.set(settings);
    this.#queue.setPlaces(settings.atOnce);
    this.#limit.bytesPerSecond = settings.bytesPerSecond;
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
      // Earlier versions knew but one way.
      this.#start(entry.id, entry, entry.sizeBytes, opening, { ...entry, way: entry.way ?? 'volume' }).catch(() => undefined);
    }
  }

  /**
   * Begins an upload. What can be told from the file's first bytes is told before anything is made.
   * @param opening the file, which may still be on its way: its first bytes come when the sender knows that they are waited for
   * @returns its id, and a promise of its end that rejects with the error that the list shows, too
   */
  begin(target: UploadTarget, totalBytes: number, opening: Promise<UploadSource>): { id: string; finished: Promise<void> } {
    const id = crypto.randomUUID();
    return { id, finished: this.#start(id, target, totalBytes, opening, {}) };
  }

  pause(id: string): void {
    const state = this.topic.get(id)?.state;
    if (state !== 'waiting' && state !== 'sending') return;
    this.#going.get(id)?.control.pause();
    this.#change(id, { state: 'paused', rate: 0, secondsLeft: undefined });
    this.#journal.change(id, { paused: true });
  }

  resume(id: string): void {
    if (this.topic.get(id)?.state !== 'paused') return;
    this.#change(id, { state: 'sending' });
    this.#going.get(id)?.control.resume();
    this.#journal.change(id, { paused: false });
  }

  cancel(id: string): void {
    this.#going.get(id)?.control.end('cancel');
  }

  /**
   * Lets the cluster fetch the file from this computer instead; what was sent so far is given up.
   * @throws HayloftError `unsupported` where there is no file to fetch
   */
  async serve(id: string): Promise<void> {
    const file = this.#files.get(id);
    if (!file || this.topic.get(id)?.state === 'done') throw new HayloftError('unsupported', 'There is no file of this computer in this upload that the cluster could fetch.');
    const going = this.#going.get(id);
    going?.control.end('cancel');
    await going?.finished.catch(() => undefined);
    const source = await fileSource(file.path);
    this.#start(id, file.target, source.sizeBytes, Promise.resolve(source), { way: 'served' }).catch(() => undefined);
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
    this.#files.delete(id);
    this.topic.remove(id);
  }

  /** Ends what runs: files go on in the app's next run, all else leaves nothing behind. Takes a few seconds at most. */
  async close(): Promise<void> {
    for (const [id, { control }] of this.#going) control.end(this.#journal.has(id) ? 'leave' : 'cancel');
    await Promise.race([Promise.all(this.#running), delay(closeWithinMs, undefined, { ref: false })]);
    this.#closed.abort();
  }

  #start(id: string, target: UploadTarget, totalBytes: number, opening: Promise<UploadSource>, entry: Partial<UploadEntry>): Promise<void> {
    const { clusterId, namespace, fileName } = target;
    const control = new UploadControl(entry.paused);
    const isOld = entry.id !== undefined;
    const state = !isOld ? 'preparing' : entry.paused ? 'paused' : 'waiting';
    const wanted = this.topic.get(id)?.sum?.wanted ?? entry.wanted ?? this.#wanted.of(fileName);
    const sum = wanted === undefined ? {} : { sum: { wanted } };
    this.topic.put({ id, clusterId, namespace, name: entry.name ?? '', fileName, totalBytes, sentBytes: 0, rate: 0, state, ...sum });
    const finished = this.#run({ id, target, opening, control, entry }).finally(() => this.#going.delete(id));
    this.#going.set(id, { control, finished });
    const settled = finished.catch(() => undefined).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    return finished;
  }

  async #run(going: Going): Promise<void> {
    const { id, target, opening, control, entry } = going;
    try {
      if (entry.name !== undefined) going.made = { cluster: this.#clusters.get(target.clusterId), kind: madeKinds[entry.way ?? 'volume'], name: entry.name };
      void opening.then((source) => this.#note(going, source), () => undefined);
      await runUpload({
        id,
        goesOn: entry.id !== undefined,
        target,
        cluster: () => this.#clusters.get(target.clusterId),
        way: (cluster) => this.#way(going, cluster),
        opening,
        name: entry.name,
        control,
        wanted: () => this.topic.get(id)?.sum?.wanted,
        queue: this.#queue,
        limit: this.#limit,
        tell: (change) => this.#change(id, change),
        made: (cluster, kind, name) => {
          going.made = { cluster, kind, name };
          this.#journal.change(id, { name });
        },
      });
      await this.#follow(going);
      this.#journal.remove(id);
    } catch (error) {
      throw await this.#failed(going, asHayloftError(error));
    }
  }

  /** The image is whole, whatever its machine says to it. */
  async #follow({ id, target, made }: Going): Promise<void> {
    if (!target.then || !made) return;
    try {
      this.#change(id, { note: await this.afterwards(target, made) });
    } catch (error) {
      const { message, hint } = asHayloftError(error);
      this.#change(id, { note: [`It is stored, and could not be given to ${target.then.machine}: ${message}`, hint].filter(Boolean).join(' ') });
    }
  }

  async #way(going: Going, cluster: ClusterConnection): Promise<UploadWay> {
    const { id, target, control, entry, opening } = going;
    const tell = (change: Change): void => this.#change(id, change);
    const { name, way } = await chooseWay(cluster, target.namespace, entry.way, {
      limit: this.#limit,
      door: entry.door,
      opened: (door) => this.#journal.change(id, { door }),
      tell,
      wanted: () => this.topic.get(id)?.sum?.wanted,
    }, control.signal);
    this.#journal.change(id, { way: name });
    const { file } = await opening;
    tell({ canServe: name === 'volume' && file !== undefined && !cluster.local ? true : undefined });
    return way;
  }

  /** What it needs in the app's next run, where that can go on: bytes from a browser are gone with its page. */
  #note({ id, target, entry }: Going, { file, sizeBytes }: UploadSource): void {
    const { clusterId, namespace, fileName, then } = target;
    if (!file) return;
    this.#files.set(id, { target: { clusterId, namespace, fileName, then }, path: file.path });
    if (entry.id !== undefined) return;
    const { path, modifiedMs, inode } = file;
    this.#journal.put({ id, clusterId, namespace, fileName, then, path, modifiedMs, inode, sizeBytes, paused: false, wanted: this.topic.get(id)?.sum?.wanted, way: entry.way });
  }

  async #failed({ id, target, made, control }: Going, error: ReturnType<typeof asHayloftError>): Promise<Error> {
    const stopped: UploadStop | undefined = control.stopped;
    if (stopped === 'leave') return error;
    this.#journal.remove(id);
    if (made) await removeMade(made.cluster, made.kind, { namespace: target.namespace, name: made.name }, this.#closed.signal);
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
