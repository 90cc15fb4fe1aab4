/** What a cluster can do at all, from what it serves and from KubeVirt's feature gates. */
import type { ClusterFeature, Cluster } from '#shared/contract/clusters.ts';
import type { ServedGroups } from './versions.ts';

export interface ClusterFacts {
  flavour: Cluster['flavour'];
  groups: Pick<ServedGroups, 'has'>;
  /** Whether a feature gate of KubeVirt is on. */
  isOn: (gate: string) => boolean;
}

type State = { allowed: boolean; reason?: string };

const yes: State = { allowed: true };
const no = (reason: string): State => ({ allowed: false, reason });

export function featuresOf(facts: ClusterFacts): Record<ClusterFeature, State> {
  const { groups, flavour, isOn } = facts;
  const machines = groups.has('kubevirt.io') ? undefined : 'KubeVirt is not installed on this cluster: it is what runs machines.';
  const cdi = groups.has('cdi.kubevirt.io') ? undefined : 'CDI is not installed on this cluster: it is what makes disks from images.';
  const served = (group: string, what: string): string | undefined =>
    groups.has(group) ? undefined : `This cluster’s KubeVirt is too old for ${what}.`;
  const gated = (...names: string[]): string | undefined => {
    if (names.some(isOn)) return undefined;
    if (flavour === 'harvester') return 'Harvester keeps this part of KubeVirt off, and has one of its own.';
    const [name = ''] = names;
    return `This cluster has KubeVirt’s feature gate ${name} turned off.`;
  };
  const all = (...reasons: (string | undefined)[]): State => {
    const reason = reasons.find((item) => item !== undefined);
    return reason === undefined ? yes : no(reason);
  };
  return {
    machines: all(machines),
    uploads: all(cdi, groups.has('upload.cdi.kubevirt.io') ? undefined : 'CDI’s upload API is not there.'),
    snapshots: all(machines, served('snapshot.kubevirt.io', 'snapshots'), gated('Snapshot')),
    clones: all(machines, served('clone.kubevirt.io', 'clones of machines'), gated('Snapshot')),
    exports: all(machines, served('export.kubevirt.io', 'exports'), gated('VMExport')),
    hotplug: all(machines, gated('DeclarativeHotplugVolumes', 'HotplugVolumes')),
    migration: all(
      machines,
      flavour === 'engine' ? 'There is one host here, and so nowhere to move a machine to.' : undefined,
      gated('LiveMigration'),
    ),
    instancetypes: all(machines, served('instancetype.kubevirt.io', 'instancetypes')),
    networks: all(groups.has('k8s.cni.cncf.io') ? undefined : 'Multus is not installed on this cluster: it is what gives machines more networks.'),
  };
}
