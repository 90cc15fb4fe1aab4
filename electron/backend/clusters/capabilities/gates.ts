/** Which of KubeVirt's feature gates are on (KubeVirt's pkg/virt-config/featuregate). */
import type { KubeObject } from '#shared/kube/object.ts';
import type { Kind } from '../kinds.ts';

/** KubeVirt's own resource, as far as it is asked; every user may read it (ClusterRole `kubevirt.io:default`). */
export interface KubeVirt extends KubeObject {
  spec?: {
    configuration?: {
      developerConfiguration?: { featureGates?: string[]; disabledFeatureGates?: string[]; cpuAllocationRatio?: number; memoryOvercommit?: number };
      additionalGuestMemoryOverheadRatio?: string;
    };
  };
  status?: { observedKubeVirtVersion?: string };
}

export const kubeVirts: Kind<KubeVirt> = { base: '/apis/kubevirt.io/v1', plural: 'kubevirts' };

/**
 * From which minor release on a gate is on without being named. Before 1.9 those that are beta have to be in the
 * configuration; from 1.9 on they are on, and may be turned off by name.
 */
const onSince: Record<string, number> = {
  LiveMigration: minorOf(0, 56),
  // The older hotplug is no gate that ever came switched on.
  HotplugVolumes: Infinity,
};
const betaIsOn = minorOf(1, 9);

/**
 * @param kubeVirt undefined where it cannot be read: then all count as on, and the cluster refuses what is not
 * @returns whether the gate of this name is on
 */
export function gatesOf(kubeVirt: KubeVirt | undefined): (gate: string) => boolean {
  if (!kubeVirt) return () => true;
  const { featureGates = [], disabledFeatureGates = [] } = kubeVirt.spec?.configuration?.developerConfiguration ?? {};
  const [, major = '1', minor = '0'] = /v?(\d+)\.(\d+)/.exec(kubeVirt.status?.observedKubeVirtVersion ?? '') ?? [];
  const version = minorOf(Number(major), Number(minor));
  return (gate) => featureGates.includes(gate) || (version >= (onSince[gate] ?? betaIsOn) && !disabledFeatureGates.includes(gate));
}

function minorOf(major: number, minor: number): number {
  return major * 1000 + minor;
}
