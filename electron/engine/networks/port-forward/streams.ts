/**
 * `portforward`: a connection into a guest for whoever can reach the API (`virtctl port-forward`, `virtctl ssh`).
 * Codes and words: KubeVirt's pkg/virt-api/rest/portforward.go and streamer.go.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { findCondition } from '#shared/kube/machine-status.ts';
import type { StreamRoute, SubresourceRequest } from '../../api/definition.ts';
import { badRequest, conflict, internalError, notFound } from '../../api/errors.ts';
import type { Guests } from '../../machines/guests.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../../machines/definitions/virtual-machine.ts';
import type { Guest } from '../../qemu/types.ts';
import type { Resources } from '../../store/resources.ts';
import type { Protocol } from '../definitions/service.ts';
import { guestPort } from '../pod-network.ts';
import { connectDatagrams } from './datagrams.ts';
import type { PassingForwards } from './passing-forwards.ts';

export interface PortForwardParts {
  resources: () => Resources;
  guests: () => Guests;
  passing: PassingForwards;
}

export function portForwardStreams(parts: PortForwardParts): StreamRoute[] {
  const route = (resource: string, find: (request: SubresourceRequest) => VirtualMachineInstance): StreamRoute => ({
    group: 'subresources.kubevirt.io',
    versions: ['v1', 'v1alpha3'],
    resource,
    subresource: 'portforward',
    takesPath: true,
    connect: (request) => connectTo(parts, request, find(request)),
  });
  const instance = ({ namespace, name }: SubresourceRequest): VirtualMachineInstance | undefined =>
    parts.resources().get(virtualMachineInstances, namespace, name);
  return [
    route('virtualmachineinstances', (request) => {
      const vmi = instance(request);
      if (!vmi) throw notFound(virtualMachineInstances, request.name);
      return vmi;
    }),
    route('virtualmachines', (request) => {
      if (!parts.resources().get(virtualMachines, request.namespace, request.name)) throw notFound(virtualMachines, request.name);
      const vmi = instance(request);
      if (!vmi) throw conflict(virtualMachines, request.name, 'VMI is not started');
      return vmi;
    }),
  ];
}

async function connectTo(parts: PortForwardParts, request: SubresourceRequest, vmi: VirtualMachineInstance): Promise<Duplex> {
  const { port, protocol } = readPath(request.path ?? []);
  const name = vmi.metadata.name ?? '';
  const guest = parts.guests().get(vmi.metadata.uid);
  if (vmi.status?.phase !== 'Running' || !guest) throw conflict(virtualMachineInstances, name, 'VMI is not running');
  if (findCondition(vmi.status.conditions, 'Paused')?.status === 'True') throw conflict(virtualMachineInstances, name, 'VMI is paused');
  const target = guestPort(vmi, port, protocol);
  if ('problem' in target) throw badRequest(target.problem);
  try {
    return await through(parts.passing, guest, target, protocol);
  } catch (error) {
    throw internalError(`The port ${port} (${protocol}) of ${name} could not be reached: ${asHayloftError(error).message}`);
  }
}

/** `{port}[/{protocol}]` */
function readPath([port = '', protocol = 'tcp', ...rest]: readonly string[]): { port: number; protocol: Protocol } {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (rest.length > 0 || number < 1 || number > 65_535) throw badRequest('the path ends with portforward/{port} or portforward/{port}/{protocol}, the port from 1 to 65535');
  if (protocol !== 'tcp' && protocol !== 'udp') throw badRequest(`unknown protocol ${protocol}: it is tcp or udp`);
  return { port: number, protocol: protocol === 'tcp' ? 'TCP' : 'UDP' };
}

async function through(passing: PassingForwards, guest: Guest, target: { netdev: string; port: number }, protocol: Protocol): Promise<Duplex> {
  const forward = await passing.open(guest, target.netdev, protocol, target.port);
  try {
    if (protocol === 'UDP') {
      const stream = await connectDatagrams(forward.address, forward.port);
      stream.on('close', () => void forward.close());
      return stream;
    }
    const socket = connect({ host: forward.address, port: forward.port, noDelay: true });
    socket.pause();
    await once(socket, 'connect');
    // QEMU takes the connection in its own time, and with the forward would go what it has not taken.
    socket.on('close', () => void forward.close());
    return socket;
  } catch (error) {
    await forward.close();
    throw error;
  }
}
