/** What cannot be seen or done on a cluster, in short sentences. */
import type { Cluster } from '#shared/contract/clusters.ts';

const kinds: Record<string, string> = {
  virtualmachines: 'machines',
  virtualmachineinstances: 'running machines',
  datavolumes: 'disks and images',
  persistentvolumeclaims: 'volumes',
  nodes: 'nodes',
  events: 'events',
  services: 'services',
};

/** @returns a sentence each; none where everything can be seen and done */
export function clusterLimits({ flavour, namespaces, withheld = [], capabilities }: Cluster): string[] {
  const forbidden = withheld.filter(({ code }) => code === 'forbidden').map(({ resource }) => kinds[resource] ?? resource);
  // The engine is what it is; what its cluster lacks is told where it is asked for.
  const cannot = flavour === 'engine' ? [] : Object.values(capabilities?.features ?? {}).filter(({ allowed }) => !allowed);
  return [
    ...(namespaces ? [`Only the ${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${namespaces.join(', ')} can be seen: this user may not read the others.`] : []),
    ...(forbidden.length > 0 ? [`This user may not read ${forbidden.join(', ')}.`] : []),
    ...new Set(cannot.flatMap(({ reason }) => reason ?? [])),
  ];
}

/** Versions of what runs machines there, for one line. */
export function clusterVersions({ version, capabilities }: Cluster): string[] {
  const { harvester, kubevirt, cdi } = capabilities ?? {};
  return [
    ...(harvester ? [`Harvester ${harvester}`] : []),
    ...(kubevirt ? [`KubeVirt ${kubevirt}`] : []),
    ...(cdi ? [`CDI ${cdi}`] : []),
    ...(version ? [kubevirt || cdi || harvester ? `Kubernetes ${version}` : version] : []),
  ];
}
