/** What kind of cluster answers: told by its version and by the API groups that it serves. */
import type { Cluster } from '#shared/contract/clusters.ts';
import type { ApiClient, RequestDetails } from './api-client.ts';
import { ServedGroups, type GroupList } from './capabilities/versions.ts';

interface VersionAnswer {
  gitVersion?: string;
}

/** What a cluster says of itself. */
export interface Found {
  flavour: Cluster['flavour'];
  version?: string;
  groups: ServedGroups;
}

/** Also the proof that the cluster answers and takes our credentials. Throws a HayloftError. */
export async function askFlavour(client: ApiClient, details: RequestDetails): Promise<Found> {
  const [version, groups] = await Promise.all([
    client.call<VersionAnswer>('GET', '/version', details),
    client.call<GroupList>('GET', '/apis', details),
  ]);
  const { gitVersion } = version;
  const served = new ServedGroups(groups);
  return { flavour: flavourOf(gitVersion, served), groups: served, ...(gitVersion === undefined ? {} : { version: gitVersion }) };
}

function flavourOf(gitVersion: string | undefined, groups: ServedGroups): Cluster['flavour'] {
  if (/hayloft/i.test(gitVersion ?? '')) return 'engine';
  if (groups.has('harvesterhci.io')) return 'harvester';
  return groups.has('kubevirt.io') ? 'kubevirt' : 'unknown';
}
