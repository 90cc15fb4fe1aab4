/** What firmware and TPMs remember goes with its machine. */
import type { AnyDefinition } from '../api/definition.ts';
import type { EngineContext } from '../context.ts';
import { keeperOf } from '../qemu/firmware/kept-state.ts';
import type { Hypervisor } from '../qemu/types.ts';
import { virtualMachineInstances } from './definitions/virtual-machine-instance.ts';
import { virtualMachines } from './definitions/virtual-machine.ts';

/** Looks now, for an engine may have died meanwhile, and whenever a machine is gone; returns a function that stops it. */
export function sweepWhenMachinesGo({ resources, log }: EngineContext, hypervisor: Hypervisor): () => void {
  const sweep = (): void => {
    // A guest that still runs writes to its own.
    const machines = resources.list(virtualMachines).map(({ metadata }) => metadata.uid ?? '');
    const keepers = resources.list(virtualMachineInstances).map(keeperOf);
    try {
      hypervisor.forgetOthers(new Set([...machines, ...keepers]));
    } catch (error) {
      log.warn('What the firmware of deleted machines remembered could not be removed; it is tried again at the next start', { error: String(error) });
    }
  };
  sweep();
  const kinds: readonly AnyDefinition[] = [virtualMachines, virtualMachineInstances];
  const stops = kinds.map((kind) =>
    resources.subscribe(kind, ({ type }) => {
      if (type === 'DELETED') sweep();
    }),
  );
  return () => stops.forEach((stop) => stop());
}
