/**
 * Random faults between the app and a real engine while objects change: what the app says of the cluster must be true
 * within five seconds, it must come back by itself, and then know every object as it is.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterState } from '../../../shared/contract/clusters.ts';
import type { Fault, ProxiedRequest } from '../../rig/fault-proxy.ts';
import { until } from '../../rig/until.ts';
import { randomFrom, type Random } from '../random.ts';
import { FaultWorld } from './world.ts';

export interface FaultOptions {
  seed: number;
  /** How long new faults are made, in milliseconds. */
  forMs: number;
  report(line: string): void;
}

export interface FaultResult {
  episodes: number;
  changes: number;
  objects: number;
  /** The longest time until the app said what was the case, and until it said that all was well again. */
  slowestTruthMs: number;
  slowestReturnMs: number;
}

/** What a person is promised. */
const truthMs = 5000;
/** How long the last change may take to arrive after the last fault, in milliseconds. */
const arriveMs = 15_000;
const betweenChangesMs = 40;

interface Episode {
  name: string;
  begin(world: FaultWorld, random: Random): Promise<void> | void;
  /** What the app has to say meanwhile. Nothing: whatever it says is right as long as it never calls it by a wrong name. */
  says?: ClusterState;
  never?: readonly ClusterState[];
  end(world: FaultWorld): Promise<void> | void;
  longestMs: number;
}

const calm = (world: FaultWorld): void => {
  world.proxy.fault = () => undefined;
};
const always = (fault: Fault) => (world: FaultWorld): void => {
  world.proxy.fault = () => fault;
};

const episodes: readonly Episode[] = [
  {
    name: 'a network that swallows everything',
    begin: ({ proxy }) => {
      proxy.swallow = true;
      proxy.freeze();
    },
    says: 'unreachable',
    end: ({ proxy }) => {
      proxy.swallow = false;
    },
    longestMs: 4000,
  },
  {
    name: 'nothing that listens',
    begin: async ({ proxy }) => {
      await proxy.refuse();
      proxy.cut();
    },
    says: 'unreachable',
    end: ({ proxy }) => proxy.listen(),
    longestMs: 4000,
  },
  {
    name: 'a router that forgot every connection',
    begin: ({ proxy }) => proxy.freeze(),
    never: ['unauthorized'],
    end: () => undefined,
    longestMs: 5000,
  },
  {
    name: 'a token that ran out',
    begin: ({ proxy }, random) => {
      proxy.token = `token-${random.below(1e9)}`;
      proxy.cut();
    },
    says: 'unauthorized',
    end: (world) => world.renewToken(),
    longestMs: 2000,
  },
  {
    name: 'a token that was replaced in time',
    begin: (world, random) => {
      world.proxy.token = `token-${random.below(1e9)}`;
      world.renewToken();
      world.proxy.cut('end');
    },
    never: ['unauthorized', 'unreachable'],
    end: () => undefined,
    longestMs: 2000,
  },
  { name: 'a server with a fault', begin: always({ kind: 'answer', status: 500 }), says: 'degraded', end: calm, longestMs: 2000 },
  {
    name: 'a server with too much to do',
    begin: (world) => {
      always({ kind: 'answer', status: 429, headers: { 'retry-after': '1' } })(world);
      world.proxy.cut('end');
    },
    never: ['unauthorized', 'unreachable'],
    end: calm,
    longestMs: 3000,
  },
  {
    name: 'revisions that have expired',
    begin: (world) => {
      world.proxy.fault = ({ query }) => (query.has('watch') ? { kind: 'answer', status: 410 } : undefined);
      world.proxy.cut('end');
    },
    never: ['unauthorized', 'unreachable'],
    end: calm,
    longestMs: 2000,
  },
  {
    name: 'lists that are cut off',
    begin: (world, random) => {
      const after = 40 + random.below(2000);
      world.proxy.fault = ({ query }) => {
        if (query.has('watch')) return random.chance(0.5) ? { kind: 'answer', status: 410 } : undefined;
        return query.has('limit') ? { kind: 'truncate', after, how: random.pick(['end', 'cut'] as const) } : undefined;
      };
      world.proxy.cut();
    },
    never: ['unauthorized'],
    end: calm,
    longestMs: 3000,
  },
  {
    name: 'a bit of everything',
    begin: (world, random) => {
      world.proxy.latencyMs = random.below(150);
      world.proxy.fault = (request) => (random.chance(0.35) ? randomFault(request, random) : undefined);
      world.proxy.cut('reset', () => random.chance(0.5));
    },
    never: ['unauthorized'],
    end: (world) => {
      world.proxy.latencyMs = 0;
      calm(world);
    },
    longestMs: 6000,
  },
  {
    name: 'a link to the far end of the world',
    begin: ({ proxy }) => {
      proxy.latencyMs = 150;
    },
    never: ['unauthorized', 'unreachable'],
    end: ({ proxy }) => {
      proxy.latencyMs = 0;
    },
    longestMs: 4000,
  },
];

function randomFault({ query }: ProxiedRequest, random: Random): Fault {
  const answer = (status: number): Fault => ({ kind: 'answer', status, ...(status === 429 ? { headers: { 'retry-after': '1' } } : {}) });
  const cutOff: Fault = { kind: 'truncate', after: random.below(4000), how: random.pick(['end', 'cut'] as const) };
  return random.pick([answer(500), answer(503), answer(429), query.has('watch') ? answer(410) : answer(500), cutOff, cutOff, { kind: 'reset' }]);
}

/** @throws Error that says which promise was not kept in which episode */
export async function faultCampaign(options: FaultOptions): Promise<FaultResult> {
  const random = randomFrom(options.seed);
  const world = await FaultWorld.start();
  const result: FaultResult = { episodes: 0, changes: 0, objects: 0, slowestTruthMs: 0, slowestReturnMs: 0 };
  let working = true;
  const work = keepChanging(world, randomFrom(options.seed + 1), () => working);
  try {
    await says(world, 'ready', 'at the beginning');
    const end = performance.now() + options.forMs;
    // Each fault once, then whichever comes.
    const order = [...episodes].sort(() => random.next() - 0.5);
    while (performance.now() < end) {
      const episode = order[result.episodes] ?? random.pick(episodes);
      const where = `${episode.name} (episode ${result.episodes}, seed ${options.seed})`;
      const truth = await live(world, episode, random, where);
      const back = await says(world, 'ready', `after ${where}`);
      result.slowestTruthMs = Math.max(result.slowestTruthMs, truth);
      result.slowestReturnMs = Math.max(result.slowestReturnMs, back);
      result.episodes += 1;
      options.report(`${episode.name}: ${episode.says === undefined ? 'never wrong' : `${episode.says} after ${Math.round(truth)} ms`}, ready again after ${Math.round(back)} ms`);
    }
    working = false;
    await work;
    result.objects = await world.same(arriveMs);
    result.changes = world.changes;
    return result;
  } catch (error) {
    throw new Error(`Seed ${options.seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    working = false;
    await work;
    await world.destroy();
  }
}

/** @returns how long it took until the app said the truth, in milliseconds */
async function live(world: FaultWorld, episode: Episode, random: Random, where: string): Promise<number> {
  const from = world.told.length;
  await episode.begin(world, random);
  const truth = episode.says === undefined ? 0 : await says(world, episode.says, `in ${where}`);
  await pause(random.below(episode.longestMs));
  if (episode.says !== undefined && world.state !== episode.says) throw new Error(`The app says “${world.state}” later in ${where}.`);
  const wrong = world.told.slice(from).find(({ view }) => episode.never?.includes(view.state));
  if (wrong) throw new Error(`The app said “${wrong.view.state}” (${wrong.view.error?.message ?? ''}) in ${where}.`);
  await episode.end(world);
  return truth;
}

async function says(world: FaultWorld, state: ClusterState, where: string): Promise<number> {
  const begun = performance.now();
  await until(`“${state}”`, () => world.state === state, truthMs).catch(() => {
    const view = world.told.at(-1)?.view;
    throw new Error(`The app says “${view?.state ?? 'nothing'}” (${view?.error?.message ?? 'no error'}) and not “${state}” ${where}.`);
  });
  return performance.now() - begun;
}

async function keepChanging(world: FaultWorld, random: Random, going: () => boolean): Promise<void> {
  while (going()) {
    await world.change(random);
    await pause(random.below(betweenChangesMs));
  }
}
