/** Machines: their kinds, what can be done to them, and the controllers that make them run. */
import { cpus, totalmem } from 'node:os';
import type { DataVolume } from '#shared/kube/cdi.ts';
import type { VirtualMachine, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import type { EngineModule, ResourceDefinition } from '../api/definition.ts';
import type { EngineContext } from '../context.ts';
import type { Controller } from '../controller.ts';
import type { DiskCatalog, GrowOpenDisk } from '../disks/types.ts';
import type { Attachments } from '../networks/attachments/attachments.ts';
import { findUefiFirmware } from '../qemu/firmware/uefi.ts';
import { findSwtpm } from '../qemu/tpm/swtpm.ts';
import type { Hypervisor } from '../qemu/types.ts';
import { consoleStreams, screenshotRoute } from './actions/consoles.ts';
import { freezeRoutes } from './agent/freeze-routes.ts';
import { agentRoutes } from './agent/routes.ts';
import { powerRoutes } from './actions/power.ts';
import { refusedRoutes } from './actions/refused.ts';
import { volumeRoutes } from './actions/volumes.ts';
import { admitInstance, admitMachine, checkInstance, type HostLimits } from './admission.ts';
import { controlInstances } from './controllers/instance-controller.ts';
import { controlMachines } from './controllers/machine-controller.ts';
import { virtualMachineInstances } from './definitions/virtual-machine-instance.ts';
import { virtualMachines } from './definitions/virtual-machine.ts';
import { Guests } from './guests.ts';
import { growOpenDisk } from './volumes/grow.ts';
import { beginAgainWhatWentDown, goOn, type RestParts } from './rest/rest.ts';
import { restRoute } from './rest/routes.ts';
import { SavedStates } from './rest/saved-state.ts';
import { sweepWhenMachinesGo } from './kept-state.ts';
import { noteAcceleration } from './node-notes.ts';

export interface MachinesOptions {
  hypervisor: Hypervisor;
  disks: DiskCatalog;
  /** What dataVolumeTemplates become. */
  volumes: ResourceDefinition<DataVolume>;
  /** Networks of this computer. */
  networks: Attachments;
}

export type MachinesModule = EngineModule & {
  growOpen: GrowOpenDisk;
  guests: Guests;
  /** Machines with all their checks, for whoever makes some. */
  machines: ResourceDefinition<VirtualMachine>;
};

export function createMachinesModule({ hypervisor, disks, volumes, networks }: MachinesOptions): MachinesModule {
  const limits: HostLimits = {
    memoryBytes: totalmem(),
    cores: cpus().length,
    hasUefi: (secureBoot) => findUefiFirmware(secureBoot) !== undefined,
    offers: () => hypervisor.offers(),
    hasTpm: () => findSwtpm() !== undefined,
  };
  const guests = new Guests(hypervisor);
  const machines = { ...virtualMachines, admit: admitMachine(limits, volumes, () => parts.context().resources) };
  const instances = { ...virtualMachineInstances, admit: admitInstance(limits) };
  let started: EngineContext | undefined;
  let controllers: Controller[] = [];
  let stopNoting: () => void = () => undefined;
  const parts = {
    guests,
    context: (): EngineContext => {
      if (!started) throw new Error('The machines module has not been started.');
      return started;
    },
  };
  const volumeParts = { ...parts, machines, check: (spec: VirtualMachineInstanceSpec) => checkInstance(spec, 'spec', limits) };
  return {
    name: 'machines',
    growOpen: growOpenDisk(parts.context, guests),
    guests,
    machines,
    definitions: [machines, instances],
    subresources: [...powerRoutes(parts), ...refusedRoutes(parts), screenshotRoute(parts), ...agentRoutes(parts), ...freezeRoutes(parts), ...volumeRoutes(volumeParts)],
    streams: consoleStreams(parts),
    raw: [restRoute(() => restParts(parts.context(), guests))],
    start: async (context) => {
      started = context;
      const rest = restParts(context, guests);
      await adopt(rest);
      beginAgainWhatWentDown(rest);
      controllers = [controlInstances({ ...rest, disks, networks }), controlMachines({ context, disks, volumes, instances })];
      const stopSweeping = sweepWhenMachinesGo(context, hypervisor);
      const stopNotes = noteAcceleration(context, hypervisor);
      stopNoting = () => {
        stopSweeping();
        stopNotes();
      };
    },
    stop: async () => {
      stopNoting();
      guests.agents.stop();
      guests.freezes.stop();
      await Promise.all(controllers.map((controller) => controller.stop()));
      await hypervisor.release();
    },
  };
}

const restParts = (context: EngineContext, guests: Guests): RestParts => ({ context, guests, saved: new SavedStates(context.dataDir) });

/** Takes back the guests that an earlier engine left. One that nobody knows any more is ended. */
async function adopt(parts: RestParts): Promise<void> {
  const { context, guests, saved } = parts;
  const known = new Map(context.resources.list(virtualMachineInstances).map((vmi) => [vmi.metadata.uid, vmi]));
  saved.sweep(new Set(known.keys()));
  for (const guest of await guests.hypervisor.adopt()) {
    const vmi = known.get(guest.uid);
    if (vmi) {
      guests.hold(guest);
      guests.freezes.takeOver(guest);
      await goOn(parts, guest, vmi);
    } else {
      context.log.warn('A guest runs that belongs to no machine; it is ended', { uid: guest.uid, pid: guest.pid });
      await guest.kill();
    }
  }
}
