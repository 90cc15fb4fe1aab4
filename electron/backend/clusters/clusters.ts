/** The clusters that the app knows: the engine on this computer, and one for each kubeconfig in the data folder. */
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Cluster } from '#shared/contract/clusters.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import { Topic } from '../topics/topic.ts';
import { ClusterConnection } from './connection.ts';
import { readKubeconfig } from './kubeconfig.ts';

export const localClusterId = 'local';

export class Clusters {
  readonly topic = new Topic<Cluster>({ key: (item) => item.id });
  readonly #connections = new Map<string, ClusterConnection>();

  /** @param folder where kubeconfigs of other clusters are: `<name>.yaml`, each with one cluster in its current context */
  constructor(folder: string) {
    this.#add(localClusterId, 'This computer', true);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))) {
      const name = basename(file).replace(/\.ya?ml$/, '');
      const connection = this.#add(name, name, false);
      try {
        connection.connect(readKubeconfig(join(folder, file)));
      } catch (error) {
        connection.fail(asHayloftError(error));
      }
    }
  }

  get local(): ClusterConnection {
    return this.get(localClusterId);
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
    const connection = new ClusterConnection({ id, name, local, changed: (view) => this.topic.put(view) });
    this.#connections.set(id, connection);
    this.topic.put(connection.view);
    return connection;
  }
}
