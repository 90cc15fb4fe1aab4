/** Networks: ways into guests, and the networks of this computer that guests can be on. */
import type { EngineModule } from '../api/definition.ts';
import type { EngineContext, Log } from '../context.ts';
import type { Controller } from '../controller.ts';
import { loopback } from '../listen/addresses.ts';
import type { Guests } from '../machines/guests.ts';
import { createAttachments, type Attachments } from './attachments/attachments.ts';
import { HostLinks } from './attachments/host-links.ts';
import { controlAttachmentDefinitions } from './attachments/readiness.ts';
import { networkAttachmentDefinitions } from './definitions/network-attachment-definition.ts';
import { PassingForwards } from './port-forward/passing-forwards.ts';
import { portForwardStreams } from './port-forward/streams.ts';
import { keepForwards } from './services/forwarding-loop.ts';
import { checkedServices } from './services/service-admission.ts';

export interface NetworksOptions {
  guests: () => Guests;
  dataDir: string;
  log: Log;
}

/** It starts after the machines, when running guests have been found again; machines attach before that, too. */
export type NetworksModule = EngineModule & { attachments: Attachments };

export function createNetworksModule({ guests, dataDir, log }: NetworksOptions): NetworksModule {
  const passing = new PassingForwards();
  const links = new HostLinks(dataDir, log);
  let started: EngineContext | undefined;
  let stopForwards: () => Promise<void> = () => Promise.resolve();
  let definitions: Controller | undefined;
  const resources = (): EngineContext['resources'] => {
    if (!started) throw new Error('The networks module has not been started.');
    return started.resources;
  };
  return {
    name: 'networks',
    attachments: createAttachments(links),
    definitions: [checkedServices(resources), networkAttachmentDefinitions],
    streams: portForwardStreams({ resources, guests, passing }),
    start: async (context) => {
      started = context;
      guests().onEnd = (uid) => void links.release(uid);
      // Loopback unless a Service says otherwise: whom a guest serves is not decided by where the API is reached.
      stopForwards = keepForwards({ context, guests: guests(), passing, usualAddress: loopback });
      definitions = controlAttachmentDefinitions(context);
      await links.sweep(new Set(guests().all().map(({ uid }) => uid)));
    },
    stop: async () => {
      await definitions?.stop();
      await stopForwards();
    },
  };
}
