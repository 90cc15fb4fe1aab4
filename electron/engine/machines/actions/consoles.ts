/** The screen and the serial line. One viewer each, the last to come (KubeVirt's pkg/virt-handler/rest/console.go). */
import type { Duplex } from 'node:stream';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { ApiError, badRequest, conflict } from '../../api/errors.ts';
import type { StreamRoute, SubresourceRequest, SubresourceRoute } from '../../api/definition.ts';
import { Lease } from '../../api/streams/lease.ts';
import type { Guest } from '../../qemu/types.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';
import { findInstance, subresourceGroup, type ActionParts } from './power.ts';

const onInstance = { ...subresourceGroup, resource: 'virtualmachineinstances' };

export function consoleStreams(parts: ActionParts): StreamRoute[] {
  const screens = new Map<string, Duplex>();
  const lines = new Map<string, Duplex>();
  return [
    {
      ...onInstance,
      subresource: 'vnc',
      connect: async (request) => {
        const { guest, vmi } = findGuest(parts, request);
        if (vmi.spec.domain.devices.autoattachGraphicsDevice === false) throw badRequest('No graphics devices are present.');
        const preserve = request.query.get('preserveSession') === 'true';
        if (preserve && screens.has(guest.uid)) {
          throw new ApiError(500, 'InternalError', 'Active VNC connection. Request denied.');
        }
        return takeOver(screens, guest.uid, request.direct === true ? leaseOf(guest) : await guest.vnc());
      },
    },
    {
      ...onInstance,
      subresource: 'console',
      connect: async (request) => {
        const { guest, vmi } = findGuest(parts, request);
        if (vmi.spec.domain.devices.autoattachSerialConsole === false) throw badRequest('No serial consoles are present.');
        return takeOver(lines, guest.uid, await guest.serial());
      },
    },
  ];
}

export function screenshotRoute(parts: ActionParts): SubresourceRoute {
  return {
    ...onInstance,
    subresource: 'vnc/screenshot',
    method: 'GET',
    handle: async (request) => ({ status: 200, body: await findGuest(parts, request).guest.screenshot(), contentType: 'image/png' }),
  };
}

function findGuest(parts: ActionParts, { namespace, name }: SubresourceRequest): { guest: Guest; vmi: VirtualMachineInstance } {
  const vmi = findInstance(parts, namespace, name);
  if (vmi.status?.phase === 'Failed') throw conflict(virtualMachineInstances, name, 'VMI is in failed status');
  const guest = parts.guests.get(vmi.metadata.uid);
  if (!guest) throw badRequest('VMI is not running');
  return { guest, vmi };
}

function leaseOf(guest: Guest): Lease {
  const lease = new Lease(guest.vncSocket);
  void guest.ended.then(() => lease.destroy());
  return lease;
}

function takeOver(viewers: Map<string, Duplex>, uid: string, viewer: Duplex): Duplex {
  viewers.get(uid)?.destroy();
  viewers.set(uid, viewer);
  viewer.on('close', () => {
    if (viewers.get(uid) === viewer) viewers.delete(uid);
  });
  return viewer;
}
