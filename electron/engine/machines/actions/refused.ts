/** Actions of KubeVirt that one computer cannot offer: each is refused with its reason, before anything is done. */
import { ApiError, badRequest, conflict, notFound } from '../../api/errors.ts';
import type { SubresourceRequest, SubresourceRoute } from '../../api/definition.ts';
import { virtualMachines } from '../definitions/virtual-machine.ts';
import { findInstance, subresourceGroup, type ActionParts } from './power.ts';

export function refusedRoutes(parts: ActionParts): SubresourceRoute[] {
  const refuse = (resource: string, subresource: string, handle: (request: SubresourceRequest) => never): SubresourceRoute => ({
    ...subresourceGroup,
    resource,
    subresource,
    method: 'PUT',
    handle,
  });
  const findMachine = ({ namespace, name }: SubresourceRequest): void => {
    if (!parts.context().resources.get(virtualMachines, namespace, name)) throw notFound(virtualMachines, name);
  };
  const noDump = (request: SubresourceRequest): never => {
    findMachine(request);
    // What KubeVirt says where its feature gate is closed.
    throw badRequest('Unable to dump memory: memory dumps are not offered on a single computer.');
  };
  const noEviction = (request: SubresourceRequest): never => {
    findInstance(parts, request.namespace, request.name);
    throw badRequest('Nothing is evicted here: there is one computer, and nowhere to go.');
  };
  return [
    refuse('virtualmachines', 'migrate', (request) => {
      findMachine(request);
      const vmi = findInstance(parts, request.namespace, request.name);
      if (vmi.status?.phase !== 'Running') throw conflict(virtualMachines, request.name, 'VM is not running');
      const condition = vmi.status.conditions?.find(({ type }) => type === 'LiveMigratable');
      throw conflict(
        virtualMachines,
        request.name,
        `Cannot migrate VMI, Reason: ${condition?.reason ?? ''}, Message: ${condition?.message ?? ''}`,
      );
    }),
    refuse('virtualmachines', 'memorydump', noDump),
    refuse('virtualmachines', 'removememorydump', noDump),
    refuse('virtualmachines', 'evacuate/cancel', noEviction),
    refuse('virtualmachineinstances', 'evacuate/cancel', noEviction),
    refuse('virtualmachineinstances', 'backup', (request) => {
      findInstance(parts, request.namespace, request.name);
      throw new ApiError(400, 'BadRequest', 'Changed blocks are not tracked here: take a VirtualMachineSnapshot or a VirtualMachineExport.');
    }),
  ];
}
