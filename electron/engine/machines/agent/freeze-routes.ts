/** `freeze` and `unfreeze`: what backup programs call around a copy of the disks. Codes and words: KubeVirt's. */
import type { SubresourceRequest, SubresourceRoute } from '../../api/definition.ts';
import { durationMs, durationPattern } from '../../api/representation/go-duration.ts';
import { ApiError, badRequest, conflict } from '../../api/errors.ts';
import type { Guest } from '../../qemu/types.ts';
import { AgentError } from '../../qemu/agent/types.ts';
import { readOptions } from '../actions/options.ts';
import { findInstance, subresourceGroup, type ActionParts } from '../actions/power.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';

export function freezeRoutes(parts: ActionParts): SubresourceRoute[] {
  const { guests } = parts;
  const route = (subresource: string, act: (guest: Guest, request: SubresourceRequest) => Promise<void>): SubresourceRoute => ({
    ...subresourceGroup,
    resource: 'virtualmachineinstances',
    subresource,
    method: 'PUT',
    handle: async (request) => {
      const vmi = findInstance(parts, request.namespace, request.name);
      const guest = guests.get(vmi.metadata.uid);
      if (!guest || vmi.status?.phase !== 'Running') throw conflict(virtualMachineInstances, request.name, 'VM is not running');
      await act(guest, request).catch((error: unknown) => {
        if (!(error instanceof AgentError)) throw error;
        throw new ApiError(500, 'InternalError', `The guest agent could not ${subresource} the file systems: ${error.message}`);
      });
      return { status: 200 };
    },
  });
  return [
    route('freeze', async (guest, request) => {
      const timeoutMs = timeoutOf(request);
      refuseWithoutAgent(guest);
      if (!guests.freezes.isFrozen(guest.uid)) await guests.freezes.freeze(guest, timeoutMs === 0 ? Infinity : Date.now() + timeoutMs);
    }),
    route('unfreeze', async (guest, request) => {
      readOptions(request, []);
      refuseWithoutAgent(guest);
      await guests.freezes.thaw(guest);
    }),
  ];
}

/** @returns milliseconds; 0: for as long as nobody unfreezes it */
function timeoutOf({ body }: SubresourceRequest): number {
  const options = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const { unfreezeTimeout, ...others } = options;
  readOptions({ namespace: '', name: '', query: new URLSearchParams(), body: others }, []);
  if (unfreezeTimeout === undefined) throw badRequest('Unfreeze timeout is not set');
  if (typeof unfreezeTimeout !== 'string' || !new RegExp(`^(${durationPattern})$`).test(unfreezeTimeout)) {
    throw badRequest('unfreezeTimeout has to be a duration like 5m0s');
  }
  return durationMs(unfreezeTimeout);
}

function refuseWithoutAgent({ agent }: Guest): void {
  if (!agent.connected) throw new ApiError(500, 'InternalError', 'VMI does not have guest agent connected');
}
