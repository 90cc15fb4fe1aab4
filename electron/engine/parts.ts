/** The real parts of the engine. */
import { createApiServer } from './api/server.ts';
import { createCoreModule } from './core/module.ts';
import { createDisksModule } from './disks/module.ts';
import type { EngineParts } from './engine.ts';
import type { Issue } from './tls/key-pair.ts';

export function engineParts(issue: Issue): EngineParts {
  return {
    issue,
    createModules: ({ dataDir }) => [createCoreModule(), createDisksModule({ dataDir })],
    createServer: createApiServer,
  };
}
