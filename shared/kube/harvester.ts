/** Harvester's own kinds, and the labels and annotations by which its interface and controllers know a machine. */
import type { PersistentVolumeClaimSpec } from './core.ts';
import type { Condition, KubeObject, ObjectMeta } from './object.ts';

/** Who made it, on the machine and its template; its anti-affinity rules ask for the key alone. */
export const CREATOR_LABEL = 'harvesterhci.io/creator';
/** On the template: the machine's name, by which instances and pods are found. */
export const VM_NAME_LABEL = 'harvesterhci.io/vmName';
/** `linux`, `windows`, … */
export const OS_LABEL = 'harvesterhci.io/os';
/** A list of {@link VolumeClaimTemplate}s as JSON: Harvester's controller makes the claims that are in it. */
export const CLAIM_TEMPLATES_ANNOTATION = 'harvesterhci.io/volumeClaimTemplates';
/** On a claim's template: `namespace/name` of the VirtualMachineImage that it begins as a copy of. */
export const IMAGE_ID_ANNOTATION = 'harvesterhci.io/imageId';
/** On the template: ids of KeyPairs, as JSON. */
export const SSH_NAMES_ANNOTATION = 'harvesterhci.io/sshNames';
/** Addresses that its interface was told, as JSON. */
export const NETWORK_IPS_ANNOTATION = 'network.harvesterhci.io/ips';
/** On a Secret with cloud-init's data. */
export const CLOUD_INIT_LABEL = 'harvesterhci.io/cloud-init-template';
/** On a VirtualMachineImage: `iso`, or what else it is. */
export const IMAGE_TYPE_LABEL = 'harvesterhci.io/image-type';
/** The one disk that its interface does not list as a volume. */
export const CLOUD_INIT_DISK = 'cloudinitdisk';
/** Where its own pages keep and show a description. */
export const HARVESTER_DESCRIPTION_ANNOTATION = 'field.cattle.io/description';

export interface VirtualMachineImage extends KubeObject {
  spec: { displayName: string; sourceType?: string; url?: string; checksum?: string; backend?: 'backingimage' | 'cdi' };
  status?: {
    /** Percent. */
    progress?: number;
    /** Bytes. */
    size?: number;
    virtualSize?: number;
    /** Of volumes that begin as copies of it. */
    storageClassName?: string;
    conditions?: Condition[];
  };
}

export interface VolumeClaimTemplate {
  metadata: Pick<ObjectMeta, 'name' | 'annotations'>;
  spec: PersistentVolumeClaimSpec;
}
