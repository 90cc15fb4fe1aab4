/** Ways into guests, as the app's windows ask for them. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { CallHandlers, StreamHandlers, TopicHandlers } from '#shared/channel/handlers.ts';
import { forwardAddress, type PortForward } from '#shared/contract/access.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import { openBrowser } from '#shared/host/open-browser.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { pathOf, virtualMachines } from '../clusters/kinds.ts';
import { PortForwards } from './port-forwards.ts';
import { askHostKey, logIn } from './ssh/connect.ts';
import { HostKeys } from './ssh/host-keys.ts';
import { agentSocket, ownKeys } from './ssh/own-keys.ts';
import { publicKeys } from './ssh/public-keys.ts';
import { Shells } from './ssh/shell.ts';
import { openTunnel } from './tunnel.ts';

/** A browser that cannot be started says so at once; one that can goes on for as long as it likes. */
const browserFailsMs = 500;

type Target = ObjectRef & { port: number };

interface Handlers {
  calls: Pick<CallHandlers, 'access.forward' | 'access.closeForward' | 'access.browse' | 'ssh.hostKey' | 'ssh.trust' | 'ssh.keys' | 'ssh.publicKeys' | 'ssh.resize'>;
  topics: Pick<TopicHandlers, 'forwards'>;
  streams: Pick<StreamHandlers, 'ssh.shell'>;
  /** Closes every port. Shells end with their windows. */
  close(): void;
}

/** @param dataDir where trusted host keys are remembered */
export function access(clusters: Clusters, dataDir: string): Handlers {
  const forwards = new PortForwards(clusters);
  const hostKeys = new HostKeys(join(dataDir, 'ssh', 'trusted-host-keys.json'));
  const shells = new Shells();
  const shownKey = async (target: Target, signal: AbortSignal): Promise<Buffer> =>
    askHostKey(await openTunnel(clusters, target, target.port, signal), target.name, target.port);
  return {
    calls: {
      'access.forward': ({ port, localPort, ...machine }) => forwards.open(machine, port, localPort),
      'access.closeForward': ({ id }) => {
        forwards.close(id);
        return Promise.resolve({});
      },
      'access.browse': ({ id }) => browse(forwards.topic.get(id)),
      'ssh.hostKey': async (target, { signal }) => {
        const guest = await guestName(clusters, target);
        return hostKeys.judge(guest, await shownKey(target, signal));
      },
      'ssh.trust': async ({ fingerprint, replace, ...target }, { signal }) => {
        const guest = await guestName(clusters, target);
        const found = hostKeys.judge(guest, await shownKey(target, signal));
        if (found.fingerprint !== fingerprint) throw changedMeanwhile(target.name);
        hostKeys.trust(guest, found, replace);
        return {};
      },
      'ssh.keys': async () => {
        const keys = (await ownKeys()).map(({ path, type, encrypted }) => ({ path, type, encrypted }));
        return { agent: agentSocket() !== undefined, keys, userName: userInfo().username };
      },
      'ssh.publicKeys': async () => ({ keys: await publicKeys() }),
      'ssh.resize': ({ sessionId, rows, columns }) => {
        shells.resize(sessionId, rows, columns);
        return Promise.resolve({});
      },
    },
    topics: { forwards: () => forwards.topic },
    streams: {
      'ssh.shell': async (params, stream, { signal }) => {
        const { user, secret } = params;
        const guest = await guestName(clusters, params);
        const keys = await ownKeys();
        const tunnel = await openTunnel(clusters, params, params.port, signal);
        const client = await logIn(tunnel, { user, secret, keys, agent: agentSocket() }, params, (key) => hostKeys.judge(guest, key).state === 'trusted');
        await shells.run(client, params, stream, signal);
      },
    },
    close: () => forwards.closeAll(),
  };
}

function browse(forward: PortForward | undefined): Promise<Record<string, never>> {
  if (!forward) throw new HayloftError('not-found', 'This port is closed already.');
  const address = forwardAddress(forward);
  return new Promise((resolve, reject) => {
    openBrowser(address, () => reject(new HayloftError('unsupported', 'No browser could be opened.', { hint: `Open ${address} yourself.` })));
    setTimeout(() => resolve({}), browserFailsMs);
  });
}

/** A machine that is made anew under the same name is another one, and has another key. */
async function guestName(clusters: Clusters, { clusterId, namespace, name, port }: Target): Promise<string> {
  const client = await clusters.get(clusterId).client();
  const { metadata } = await client.call<VirtualMachine>('GET', pathOf(virtualMachines, namespace, name));
  return `${clusterId}/${metadata.uid ?? `${namespace}/${name}`}:${port}`;
}

const changedMeanwhile = (name: string): HayloftError =>
  new HayloftError('untrusted', `The SSH server of ${name} shows another key now.`, { hint: 'Compare the new fingerprint with the guest’s.' });

