/** Machines made of other machines. */
import type { EngineModule } from '../api/definition.ts';
import type { Controller } from '../controller.ts';
import { controlClones } from './controller.ts';
import { virtualMachineClones } from './definition.ts';

export function createClonesModule(): EngineModule {
  let controller: Controller | undefined;
  return {
    name: 'clones',
    definitions: [virtualMachineClones],
    start: (context) => {
      controller = controlClones(context);
      return Promise.resolve();
    },
    stop: async () => {
      await controller?.stop();
    },
  };
}
