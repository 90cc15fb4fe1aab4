/** Tasks from their beginning to their end, over restarts of the app, and the list of them. */
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { Task, TaskKind } from '#shared/contract/tasks.ts';
import type { KubeEvent } from '#shared/kube/core.ts';
import type { KubeList, KubeObject } from '#shared/kube/object.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { Clusters } from '../clusters/clusters.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { events, pathOf, type Kind } from '../clusters/kinds.ts';
import { Topic } from '../topics/topic.ts';
import { tasksGoingOn } from './adopt.ts';
import type { TaskEntry } from './entry.ts';
import type { Journal } from './journal.ts';
import { going, type Look, type Standing, type TaskDefinition } from './standing.ts';
import { taskDefinitions, type OwnKind } from './task-definitions.ts';

/** Changes that come together are looked at together, in milliseconds. */
const gatherMs = 80;
/** What goes by the clock is looked at this often. */
const tickMs = 1000;
/** Everything is looked at this often, should the cluster have been out of reach, or a change have been missed. */
const slowLookMs = 15_000;

interface Followed {
  entry: TaskEntry;
  stops: (() => void)[];
  timer: NodeJS.Timeout | undefined;
  looking: boolean;
  again: boolean;
}

export class Tasks {
  readonly topic = new Topic<Task>({ key: (item) => item.id });
  readonly #clusters: Clusters;
  readonly #journal: Journal;
  readonly #definitions: Readonly<Record<TaskKind, TaskDefinition>>;
  readonly #entries = new Map<string, TaskEntry>();
  readonly #followed = new Map<string, Followed>();
  #stopDiscovering: () => void = () => undefined;

  /** @param own how tasks are followed that the app does itself */
  constructor(clusters: Clusters, journal: Journal, own: Readonly<Record<OwnKind, TaskDefinition>>) {
    this.#clusters = clusters;
    this.#definitions = { ...taskDefinitions, ...own };
    this.#journal = journal;
    for (const entry of journal.read()) {
      this.#entries.set(entry.id, entry);
      this.topic.put(this.#view(entry, undefined));
      if (!entry.end) this.#follow(entry);
    }
  }

  /**
   * Looks at every cluster that can be reached, now and those that come later, for what goes on there and is not in the
   * journal: once each, and nothing is waited for.
   */
  discover(): void {
    const all = this.#clusters.select(undefined);
    const look = (cluster: ClusterConnection): void => void this.#adopt(cluster);
    this.#stopDiscovering = all.follow({ added: look, removed: () => undefined });
    for (const cluster of all.current) look(cluster);
  }

  async #adopt(cluster: ClusterConnection): Promise<void> {
    try {
      for (const { begun, ...found } of await tasksGoingOn(cluster)) {
        const isKnown = ({ object, machine }: TaskEntry): boolean =>
          object === found.object && machine.clusterId === found.machine.clusterId && machine.namespace === found.machine.namespace;
        if (![...this.#entries.values()].some(isKnown)) this.begin(found, begun);
      }
    } catch (error) {
      // Out of reach, as its state says; what goes on there is seen at the machines themselves.
      cluster.warn('What goes on in a cluster could not be looked at', { error: String(error) });
    }
  }

  /**
   * Keeps a task in mind that was begun on the cluster, and follows it.
   * @param begun when, in milliseconds since the epoch
   * @returns its id
   */
  begin(task: Omit<TaskEntry, 'id' | 'begun'>, begun = Date.now()): { taskId: string } {
    const entry: TaskEntry = { ...task, id: crypto.randomUUID(), begun };
    this.#entries.set(entry.id, entry);
    this.#save();
    this.topic.put(this.#view(entry, undefined));
    this.#follow(entry);
    return { taskId: entry.id };
  }

  /** @throws HayloftError `not-found`, `conflict` when it cannot be cancelled, or why the cluster refused it */
  async cancel(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry || entry.end) throw new HayloftError('not-found', 'This task has ended already.');
    const { allowed, reason = 'This task cannot be canceled.' } = this.topic.get(id)?.cancel ?? { allowed: false };
    const { cancel } = this.#definitions[entry.kind];
    if (!cancel || !allowed) throw new HayloftError('conflict', reason);
    await cancel(await this.#cluster(entry).client(), entry);
    this.#end(entry, { state: 'cancelled', at: Date.now() });
  }

  /** Takes an ended task off the list, or all of them. One that goes on stays. */
  dismiss(id: string | undefined): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.end && (id === undefined || entry.id === id)) this.#forget(entry.id);
    }
    this.#save();
  }

  /** Stops following; what goes on is found again by the next run of the app. */
  close(): void {
    this.#stopDiscovering();
    for (const id of [...this.#followed.keys()]) this.#unfollow(id);
  }

  #cluster({ machine }: TaskEntry): ClusterConnection {
    return this.#clusters.get(machine.clusterId);
  }

  #follow(entry: TaskEntry): void {
    const followed: Followed = { entry, stops: [], timer: undefined, looking: false, again: false };
    this.#followed.set(entry.id, followed);
    let cluster: ClusterConnection;
    try {
      cluster = this.#cluster(entry);
    } catch (error) {
      this.#end(entry, { state: 'unknown', at: Date.now(), error: clusterGone(error).toData() });
      return;
    }
    const prefix = `${entry.machine.namespace}/`;
    for (const kind of this.#definitions[entry.kind].watches) {
      const pin = cluster.cache(kind).pin(prefix + entry.machine.name);
      followed.stops.push(
        cluster.cache(kind).watch((keys) => {
          if ([...keys].some((key) => key.startsWith(prefix))) this.#soon(followed, gatherMs);
        }),
        () => pin.release(),
      );
    }
    this.#soon(followed, 0);
  }

  #unfollow(id: string): void {
    const followed = this.#followed.get(id);
    if (!followed) return;
    this.#followed.delete(id);
    clearTimeout(followed.timer);
    for (const stop of followed.stops) stop();
  }

  #soon(followed: Followed, ms: number): void {
    if (this.#followed.get(followed.entry.id) !== followed) return;
    if (followed.looking) {
      followed.again = true;
      return;
    }
    clearTimeout(followed.timer);
    followed.timer = setTimeout(() => void this.#look(followed), ms).unref();
  }

  async #look(followed: Followed): Promise<void> {
    const { entry } = followed;
    followed.looking = true;
    followed.again = false;
    const standing = await this.#standing(entry);
    followed.looking = false;
    if (this.#followed.get(entry.id) !== followed) return;
    if (standing.state !== 'going') {
      await this.#conclude(entry, standing);
      return;
    }
    this.topic.put(this.#view(entry, standing));
    const again = followed.again as boolean;
    this.#soon(followed, again ? gatherMs : standing.ticks === true ? tickMs : slowLookMs);
  }

  async #standing(entry: TaskEntry): Promise<Standing> {
    const definition = this.#definitions[entry.kind];
    try {
      const cluster = this.#cluster(entry);
      const client = await cluster.client();
      const known = await definition.stand(entry, lookInto(cluster, client, entry, definition));
      return known.state === 'going' ? known : await definition.stand(entry, lookInto(cluster, client, entry));
    } catch (error) {
      const known = asHayloftError(error);
      if (known.code === 'not-found') return { state: 'unknown', error: clusterGone(error) };
      if (known.code === 'forbidden') return { state: 'unknown', error: known };
      return going('Its cluster cannot be reached now. How it stands is told when it can.', { fixed: known.message });
    }
  }

  async #conclude(entry: TaskEntry, standing: Exclude<Standing, { state: 'going' }>): Promise<void> {
    const { keeps, tidy } = this.#definitions[entry.kind];
    if (standing.state === 'done' && !keeps(entry)) {
      this.#forget(entry.id);
      this.#save();
      return;
    }
    const step = standing.state === 'done' ? standing.step : undefined;
    this.#end(entry, {
      state: standing.state,
      at: Date.now(),
      ...(step === undefined ? {} : { step }),
      ...(standing.state === 'done' ? {} : { error: standing.error.toData() }),
    });
    if (standing.state !== 'done' || !tidy) return;
    const cluster = this.#cluster(entry);
    try {
      await tidy(await cluster.client(), entry);
    } catch (error) {
      cluster.warn('What a task had made for itself could not be removed', { task: entry.kind, object: entry.object, error: String(error) });
    }
  }

  #end(entry: TaskEntry, end: NonNullable<TaskEntry['end']>): void {
    this.#unfollow(entry.id);
    const ended = { ...entry, end };
    this.#entries.set(entry.id, ended);
    this.#save();
    this.topic.put(this.#view(ended, undefined));
  }

  #forget(id: string): void {
    this.#unfollow(id);
    this.#entries.delete(id);
    this.topic.remove(id);
  }

  #view(entry: TaskEntry, standing: Standing | undefined): Task {
    return viewOf(this.#definitions[entry.kind], entry, standing);
  }

  #save(): void {
    this.#journal.write([...this.#entries.values()]);
  }
}

/**
 * @param definition kinds that are watched for it are looked up in what is known; what seems not to be there is asked for.
 *   Without it everything is.
 */
function lookInto(cluster: ClusterConnection, client: ApiClient, { machine }: TaskEntry, definition?: TaskDefinition): Look {
  const { namespace } = machine;
  return {
    get: async <T extends KubeObject>(kind: Kind<T>, name: string) => {
      if (name === '') return undefined;
      const known = definition?.watches.includes(kind) ? cluster.cache(kind).whole(`${namespace}/${name}`) : undefined;
      return known ?? (await orNothing(client.call<T>('GET', pathOf(kind, namespace, name))));
    },
    warning: async (kind, name) => {
      const query = new URLSearchParams({ fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name},type=Warning` });
      const list = await orNothing(client.call<KubeList<KubeEvent>>('GET', `${pathOf(events, namespace)}?${query.toString()}`));
      return list?.items.at(-1)?.message;
    },
  };
}

async function orNothing<T>(asking: Promise<T>): Promise<T | undefined> {
  try {
    return await asking;
  } catch (error) {
    if (asHayloftError(error).code === 'not-found') return undefined;
    throw error;
  }
}

function clusterGone(cause: unknown): HayloftError {
  return new HayloftError('not-found', 'Its cluster was removed from Hayloft, so how it ended cannot be told.', { cause });
}

function viewOf(definition: TaskDefinition, entry: TaskEntry, standing: Standing | undefined): Task {
  const { id, kind, machine, subject, begun, end } = entry;
  const now = standing?.state === 'going' ? standing : undefined;
  const step = end ? end.step : now?.step;
  const target = end?.state === 'done' ? entry.target : undefined;
  return {
    id,
    kind,
    machine,
    ...(subject === undefined ? {} : { subject }),
    begun,
    state: end?.state ?? 'going',
    ...(now?.progress === undefined ? {} : { progress: now.progress }),
    ...(step === undefined ? {} : { step }),
    ...(end ? { ended: end.at } : {}),
    ...(end?.error ? { error: end.error } : {}),
    cancel: cancelOf(definition, end !== undefined, now),
    ...(target === undefined ? {} : { result: { ...machine, name: target } }),
  };
}

function cancelOf(definition: TaskDefinition, over: boolean, now: { fixed?: string } | undefined): Task['cancel'] {
  if (over) return { allowed: false };
  if (!definition.cancel) return { allowed: false, reason: 'It cannot be taken back.' };
  return now?.fixed === undefined ? { allowed: true } : { allowed: false, reason: now.fixed };
}

