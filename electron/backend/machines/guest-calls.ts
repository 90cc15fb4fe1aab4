/** What a machine's guest tells of itself through its agent, and the way into it. All of it is KubeVirt's API. */
import type { CallHandlers } from '#shared/channel/handlers.ts';
import { HayloftError, asHayloftError } from '#shared/contract/errors.ts';
import type { GuestReport, ObjectRef } from '#shared/contract/machines.ts';
import type { KubeNode } from '#shared/kube/core.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { KubeList } from '#shared/kube/object.ts';
import type { Service } from '#shared/kube/service.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { nodes, pathOf, services, subresourcePath, virtualMachines } from '../clusters/kinds.ts';

type GuestCalls = Pick<CallHandlers, 'machines.guest' | 'machines.openSsh'>;

/** KubeVirt's VirtualMachineInstanceGuestAgentInfo, as far as it is shown; a guest may leave out any of it. */
interface AgentInfo {
  hostname?: string;
  guestAgentVersion?: string;
  timezone?: string;
}

interface FileSystems {
  items?: { mountPoint?: string; fileSystemType?: string; usedBytes?: number; totalBytes?: number }[];
}

interface Users {
  items?: { userName?: string; loginTime?: number }[];
}

const sshPort = 22;

export function guestCalls(clusters: Clusters): GuestCalls {
  return {
    'machines.guest': async (ref) => readReport(await clusters.get(ref.clusterId).client(), ref),
    'machines.openSsh': async (ref) => {
      const client = await clusters.get(ref.clusterId).client();
      const service = await sshService(client, ref);
      const port = service.spec.ports?.find((item) => item.port === sshPort)?.nodePort;
      if (port === undefined) {
        throw new HayloftError('conflict', `The Service “${service.metadata.name ?? ''}” is there already and does not lead to SSH.`, {
          hint: 'Rename or delete that Service, then try again.',
        });
      }
      return { host: await hostOf(client), port };
    },
  };
}

async function readReport(client: ApiClient, ref: ObjectRef): Promise<GuestReport> {
  const ask = <T>(what: string): Promise<T> => client.call<T>('GET', subresourcePath('virtualmachineinstances', ref, what));
  const [info, fileSystems, users] = await Promise.all([
    ask<AgentInfo>('guestosinfo'),
    ask<FileSystems>('filesystemlist'),
    ask<Users>('userlist'),
  ]);
  return {
    ...(info.hostname ? { hostName: info.hostname } : {}),
    ...(info.timezone ? { timeZone: info.timezone.replace(/,.*$/, '') } : {}),
    ...(info.guestAgentVersion ? { agentVersion: info.guestAgentVersion } : {}),
    fileSystems: (fileSystems.items ?? []).map(({ mountPoint = '', fileSystemType = '', usedBytes = 0, totalBytes = 0 }) => ({
      mountPoint,
      type: fileSystemType,
      usedBytes,
      totalBytes,
    })),
    users: (users.items ?? []).map(({ userName = '', loginTime = 0 }) => ({ name: userName, since: loginTime * 1000 })),
  };
}

/** The Service that leads to the machine's SSH server: the one that is there, or a new one that goes with the machine. */
async function sshService(client: ApiClient, { namespace, name }: ObjectRef): Promise<Service> {
  const serviceName = `${name}-ssh`;
  const path = pathOf(services, namespace, serviceName);
  const found = await client.call<Service>('GET', path).catch((error: unknown) => {
    if (asHayloftError(error).code !== 'not-found') throw error;
    return undefined;
  });
  if (found) return found;
  const machine = await client.call<VirtualMachine>('GET', pathOf(virtualMachines, namespace, name));
  const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', name, uid: machine.metadata.uid };
  return client.call<Service>('POST', pathOf(services, namespace), {
    body: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: serviceName, namespace, ownerReferences: [owner] },
      spec: {
        type: 'NodePort',
        // KubeVirt puts it on what runs the machine, and the engine takes it as said of the instance.
        selector: { 'vm.kubevirt.io/name': name },
        ports: [{ name: 'ssh', port: sshPort, targetPort: sshPort, protocol: 'TCP' }],
      },
    },
  });
}

/** Where NodePorts are reached: the engine opens them on its own computer, a cluster on each of its nodes. */
async function hostOf(client: ApiClient): Promise<string> {
  const api = new URL(client.access.server).hostname;
  if (api === '127.0.0.1' || api === 'localhost') return '127.0.0.1';
  const list = await client.call<KubeList<KubeNode>>('GET', pathOf(nodes, undefined));
  const addresses = list.items.flatMap(({ status }) => status?.addresses ?? []);
  return addresses.find(({ type }) => type === 'ExternalIP')?.address ?? addresses.find(({ type }) => type === 'InternalIP')?.address ?? api;
}
