/** What the controllers and routes of this folder share. */
import type { EngineContext } from '../context.ts';
import type { ClaimFiles } from './files/claim-files.ts';
import type { Jobs } from './jobs.ts';
import type { GrowOpenDisk } from './types.ts';

export interface DiskParts extends Pick<EngineContext, 'resources' | 'events' | 'log'> {
  files: ClaimFiles;
  jobs: Jobs;
  growOpen: GrowOpenDisk;
}
