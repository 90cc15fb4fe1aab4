/** Machines that change all the time through the API, and when a watch of the same API told of each change. */
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import type { EngineClient } from '../rig/engine-client.ts';
import { machineName } from '../rig/many-machines.ts';
import { until } from '../rig/until.ts';

export const changesPerSecond = 50;
/** Every so many changes one of a machine in sight. */
const inSightEvery = 5;
const machines = '/apis/kubevirt.io/v1/namespaces/default/virtualmachines';

export class MachineChanges {
  /** When the watch told of each change of a machine in sight, in milliseconds since the epoch. */
  readonly events: ReadonlyMap<number, number>;
  readonly #engine: EngineClient;
  readonly #count: number;
  readonly #inSight: number;
  readonly #closeWatch: () => void;
  #number = 0;
  #failed: unknown;
  #under = 0;
  readonly #timer: NodeJS.Timeout;

  private constructor(engine: EngineClient, { count, inSight }: { count: number; inSight: number }, events: ReadonlyMap<number, number>, closeWatch: () => void) {
    this.events = events;
    this.#engine = engine;
    this.#count = count;
    this.#inSight = inSight;
    this.#closeWatch = closeWatch;
    this.#timer = setInterval(() => void this.#change(), 1000 / changesPerSecond);
  }

  /** @param inSight how many of the first machines are seen */
  static async begin(engine: EngineClient, options: { count: number; inSight: number }): Promise<MachineChanges> {
    const events = new Map<number, number>();
    const close = await watchLabels(engine, (number) => events.set(number, performance.timeOrigin + performance.now()));
    return new MachineChanges(engine, options, events, close);
  }

  /** Stops, once all that was asked is answered. Throws when the API refused a change, or could not keep up. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await until('the last change to be answered', () => this.#under === 0);
    this.#closeWatch();
    if (this.#failed !== undefined) throw new Error('A change was refused.', { cause: this.#failed });
  }

  async #change(): Promise<void> {
    const number = (this.#number += 1);
    const seen = this.#inSight > 0 && number % inSightEvery === 0;
    const machine = seen ? (number / inSightEvery) % this.#inSight : (number * 7919) % this.#count;
    const label = seen ? 'change' : 'unseen';
    this.#under += 1;
    try {
      const answer = await this.#engine.api('PATCH', `${machines}/${machineName(machine)}`, { metadata: { labels: { [label]: String(number) } } }, { 'content-type': 'application/merge-patch+json' });
      if (answer.status !== 200) this.#failed = answer.text;
    } catch (error) {
      this.#failed = error;
    } finally {
      this.#under -= 1;
    }
  }
}

async function watchLabels(engine: EngineClient, told: (number: number) => void): Promise<() => void> {
  const list = await engine.api('GET', `${machines}?limit=1`);
  const revision = list.json<{ metadata: { resourceVersion: string } }>().metadata.resourceVersion;
  return new Promise((resolve, reject) => {
    const watch = request(`${engine.endpoint}${machines}?watch=true&resourceVersion=${revision}`, { ca: engine.ca, headers: { authorization: `Bearer ${engine.token}` } });
    watch.on('error', reject);
    watch.on('response', (response) => {
      createInterface({ input: response })
        .on('error', () => undefined)
        .on('line', (line) => {
          const number = /"change":"(\d+)"/.exec(line)?.[1];
          if (number !== undefined) told(Number(number));
        });
      resolve(() => watch.destroy());
    });
    watch.end();
  });
}
