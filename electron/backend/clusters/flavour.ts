/** What kind of cluster answers: told by its version and by the API groups that it serves. */
import type { Cluster } from '#shared/contract/clusters.ts';
import type { ApiClient, RequestDetails } from './api-client.ts';

interface VersionAnswer {
  gitVersion?: string;
}

interface GroupList {
  groups?: { name: string }[];
}

/** Also the proof that the cluster answers and takes our credentials. Throws a HayloftError. */
export async function askFlavour(client: ApiClient, details: RequestDetails): Promise<Pick<Cluster, 'flavour' | 'version'>> {
  const [version, groups] = await Promise.all([
    client.call<VersionAnswer>('GET', '/version', details),
    client.call<GroupList>('GET', '/apis', details),
  ]);
  const { gitVersion } = version;
  return { flavour: flavourOf(gitVersion, groups), ...(gitVersion === undefined ? {} : { version: gitVersion }) };
}

function flavourOf(gitVersion: string | undefined, { groups = [] }: GroupList): Cluster['flavour'] {
  const has = (name: string): boolean => groups.some((group) => group.name === name);
  if (/hayloft/i.test(gitVersion ?? '')) return 'engine';
  if (has('harvesterhci.io')) return 'harvester';
  return has('kubevirt.io') ? 'kubevirt' : 'unknown';
}
