/** The clusters that the app knows: the engine on this computer, and one for each kubeconfig in the data folder. */
import type { Cluster } from '#shared/contract/clusters.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { ClusterSet } from '../topics/derived.ts';
import { Topic } from '../topics/topic.ts';
import { ClusterFiles, type ClusterFile } from './cluster-files.ts';
import { ClusterConnection } from './connection.ts';
import { parseKubeconfig } from './kubeconfig/document.ts';
import { readKubeconfig, readKubeconfigText } from './kubeconfig.ts';
import { WakeWatch } from './wake.ts';

export const localClusterId = 'local';

interface Listener {
  added(cluster: ClusterConnection): void;
  removed(cluster: ClusterConnection): void;
}

export class Clusters {
  readonly topic = new Topic<Cluster>({ key: (item) => item.id, watched: (watched) => this.#attend(watched) });
  readonly local: ClusterConnection;
  readonly files: ClusterFiles;
  readonly #connections = new Map<string, ClusterConnection>();
  /** What each cluster's file held when it was last read. */
  readonly #texts = new Map<string, string>();
  readonly #listeners = new Set<Listener>();
  readonly #wake = new WakeWatch({
    woke: (ms) => {
      this.#warn('This computer slept: connections are made anew', { seconds: Math.round(ms / 1000) });
      for (const connection of this.#connections.values()) connection.reconnect();
    },
    moved: () => {
      for (const connection of this.#connections.values()) connection.look();
    },
  });
  readonly #warn: (message: string, fields: Record<string, unknown>) => void;

  /**
   * @param folder where kubeconfigs of other clusters are: `<id>.yaml`, each with one cluster in its current context
   * @param log where what is odd about a cluster is written
   */
  constructor(folder: string, log: { warn(message: string, fields?: Record<string, unknown>): void }) {
    this.#warn = (message, fields) => log.warn(message, fields);
    this.local = this.#add(localClusterId, 'This computer', true);
    this.files = new ClusterFiles(folder);
    this.refresh();
    this.files.follow(() => {
      try {
        this.refresh();
      } catch (error) {
        this.#warn('The folder of kubeconfigs could not be read', { folder, error: String(error) });
      }
    });
  }

  /** @throws HayloftError `not-found` */
  get(id: string): ClusterConnection {
    const connection = this.#connections.get(id);
    if (!connection) throw new HayloftError('not-found', `There is no cluster “${id}”.`);
    return connection;
  }

  /** The file of a cluster that is not this computer's. @throws HayloftError `not-found` */
  file(id: string): ClusterFile {
    const file = this.files.list().find((candidate) => candidate.id === id);
    if (!file) throw new HayloftError('not-found', `There is no kubeconfig of a cluster “${id}”.`);
    return file;
  }

  /** One, or all when no id is given: then also those that come later. */
  select(id: string | undefined): ClusterSet {
    if (id !== undefined) return { current: [this.get(id)], follow: () => () => undefined };
    const connections = this.#connections;
    return {
      get current() {
        return [...connections.values()];
      },
      follow: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
    };
  }

  /** Takes over what the folder holds now: new clusters, changed ones, and those that are gone. */
  refresh(): void {
    const files = this.files.list().filter(({ id }) => id !== localClusterId);
    const known = new Set(files.map(({ id }) => id));
    for (const [id, connection] of this.#connections) {
      if (!connection.local && !known.has(id)) this.#remove(connection);
    }
    for (const file of files) this.#take(file);
  }

  close(): void {
    this.#wake.end();
    this.files.close();
    for (const connection of this.#connections.values()) connection.close();
  }

  /** How clusters stand is looked at more often while somebody wants to know. */
  #attend(watched: boolean): void {
    if (!watched) {
      this.#wake.end();
      return;
    }
    this.#wake.begin();
    for (const connection of this.#connections.values()) connection.look();
  }

  #take({ id, path }: ClusterFile): void {
    let text: string | undefined;
    let connection = this.#connections.get(id);
    try {
      text = readKubeconfigText(path);
      if (connection && this.#texts.get(id) === text) return;
      const name = parseKubeconfig(text, path).currentContext ?? id;
      connection ??= this.#add(id, name, false);
      connection.rename(name);
      connection.connect(readKubeconfig(path));
    } catch (error) {
      connection ??= this.#add(id, id, false);
      connection.fail(asHayloftError(error));
    }
    this.#texts.set(id, text ?? '');
  }

  #add(id: string, name: string, local: boolean): ClusterConnection {
    const connection = new ClusterConnection({ id, name, local, changed: (view) => this.topic.put(view), warn: this.#warn, watched: () => this.topic.isWatched });
    this.#connections.set(id, connection);
    this.topic.put(connection.view);
    for (const listener of this.#listeners) listener.added(connection);
    return connection;
  }

  #remove(connection: ClusterConnection): void {
    this.#connections.delete(connection.id);
    this.#texts.delete(connection.id);
    connection.close();
    for (const listener of this.#listeners) listener.removed(connection);
    this.topic.remove(connection.id);
  }
}
