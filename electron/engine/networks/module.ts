/** Networks: ways into guests, and the networks of this computer that guests can be on. */
import type { EngineModule } from '../api/definition.ts';
import type { EngineContext } from '../context.ts';
import type { Guests } from '../machines/guests.ts';
import { loopback } from '../listen/addresses.ts';
import { PassingForwards } from './port-forward/passing-forwards.ts';
import { portForwardStreams } from './port-forward/streams.ts';
import { keepForwards } from './services/forwarding-loop.ts';
import { checkedServices } from './services/service-admission.ts';

export interface NetworksOptions {
  guests: Guests;
}

export function createNetworksModule({ guests }: NetworksOptions): EngineModule {
  const passing = new PassingForwards();
  let started: EngineContext | undefined;
  let stopForwards: () => Promise<void> = () => Promise.resolve();
  const resources = (): EngineContext['resources'] => {
    if (!started) throw new Error('The networks module has not been started.');
    return started.resources;
  };
  return {
    name: 'networks',
    definitions: [checkedServices(resources)],
    streams: portForwardStreams({ resources, guests, passing }),
    start: (context) => {
      started = context;
      // Where the API itself is reached: whoever may not be asked from outside forwards nothing from outside.
      stopForwards = keepForwards({ context, guests, passing, usualAddress: loopback });
      return Promise.resolve();
    },
    stop: () => stopForwards(),
  };
}
