/** The real parts of the engine. */
import { createCoreModule } from './core/module.ts';
import type { ApiServer, EngineParts } from './engine.ts';
import type { Issue } from './tls/key-pair.ts';

export function engineParts(issue: Issue): EngineParts {
  return {
    issue,
    createModules: () => [createCoreModule()],
    createServer: (): ApiServer => ({ listen: () => Promise.resolve(), close: () => Promise.resolve() }),
  };
}
