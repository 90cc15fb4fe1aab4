/** Tells each NetworkAttachmentDefinition whether guests can be put on it here. */
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import { createController, type Controller } from '../../controller.ts';
import type { EngineContext } from '../../context.ts';
import { networkAttachmentDefinitions, READY_ANNOTATION, REASON_ANNOTATION } from '../definitions/network-attachment-definition.ts';
import { parseConfig } from './config.ts';
import { checkHostNetwork } from './host-links.ts';

/** While it cannot be used it is looked at again: somebody may be making the bridge. */
const lookAgainMs = 15_000;

export function controlAttachmentDefinitions(context: EngineContext): Controller {
  const { resources, events } = context;
  return createController(context, {
    of: networkAttachmentDefinitions,
    reconcile: ({ namespace, name }) => {
      const definition = resources.get(networkAttachmentDefinitions, namespace, name);
      if (!definition) return undefined;
      const problem = problemOf(definition.spec.config);
      const was = definition.metadata.annotations?.[REASON_ANNOTATION];
      resources.change(networkAttachmentDefinitions, namespace, name, ({ metadata }) => {
        const others = Object.entries(metadata.annotations ?? {}).filter(([key]) => key !== REASON_ANNOTATION);
        metadata.annotations = {
          ...Object.fromEntries(others),
          [READY_ANNOTATION]: String(problem === undefined),
          ...(problem === undefined ? {} : { [REASON_ANNOTATION]: problem }),
        };
      });
      if (problem !== undefined && problem !== was) events.record(definition, 'Warning', 'NetworkNotReady', problem);
      return problem === undefined ? undefined : { requeueAfterMs: lookAgainMs };
    },
  });
}

function problemOf(config: string): string | undefined {
  try {
    checkHostNetwork(parseConfig(config));
    return undefined;
  } catch (error) {
    const { message, hint } = asHayloftError(error);
    return hint === undefined ? message : `${message} ${hint}`;
  }
}
