/** The clusters that the app knows: the engine on this computer, and one for each kubeconfig in the data folder. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '#shared/contract/clusters.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import { Topic } from '../topics/topic.ts';
import { ClusterConnection } from './connection.ts';
import { readKubeconfig } from './kubeconfig.ts';

export const localClusterId = 'local';

export class Clusters {
  readonly topic = new Topic<Cluster>({ key: (item) => item.id });
  readonly local: ClusterConnection;
  readonly #connections = new Map<string, ClusterConnection>();

  readonly #warn: (message: string, fields: Record<string, unknown>) => void;

  /**
   * @param folder where kubeconfigs of other clusters are: `<name>.yaml`, each with one cluster in its current context
   * @param log where what is odd about a cluster is written
   */
  constructor(folder: string, log: { warn(message: string, fields?: Record<string, unknown>): void }) {
    this.#warn = (message, fields) => log.warn(message, fields);
    this.local = this.#add(localClusterId, 'This computer', true);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(folder).sort()) {
      const [, name] = /^(.+)\.ya?ml$/.exec(file) ?? [];
      if (name === undefined) continue;
      const connection = this.#add(this.#connections.has(name) ? file : name, name, false);
      try {
        connection.connect(readKubeconfig(join(folder, file)));
      } catch (error) {
        connection.fail(asHayloftError(error));
      }
    }
  }

  /** @throws HayloftError `not-found` */
  get(id: string): ClusterConnection {
    const connection = this.#connections.get(id);
    if (!connection) throw new HayloftError('not-found', `There is no cluster “${id}”.`);
    return connection;
  }

  /** One, or all when no id is given. */
  select(id: string | undefined): ClusterConnection[] {
    return id === undefined ? [...this.#connections.values()] : [this.get(id)];
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
  }

  #add(id: string, name: string, local: boolean): ClusterConnection {
    const connection = new ClusterConnection({ id, name, local, changed: (view) => this.topic.put(view), warn: this.#warn });
    this.#connections.set(id, connection);
    this.topic.put(connection.view);
    return connection;
  }
}
