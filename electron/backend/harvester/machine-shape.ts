/**
 * A machine as Harvester's own interface makes it, from the one that would be made on any KubeVirt. Its controllers and
 * its interface know disks by an annotation and not by DataVolumes, sizes by limits, and cloud-init by a Secret (harvester's
 * pkg/builder, its webhook's mutator, and harvester-ui-extension's harvester-vm mixin). Pure.
 */
import type { PersistentVolumeClaim, Secret, StorageClass } from '#shared/kube/core.ts';
import {
  CLAIM_TEMPLATES_ANNOTATION,
  CLOUD_INIT_DISK,
  CLOUD_INIT_LABEL,
  CREATOR_LABEL,
  HARVESTER_DESCRIPTION_ANNOTATION,
  IMAGE_ID_ANNOTATION,
  NETWORK_IPS_ANNOTATION,
  OS_LABEL,
  SSH_NAMES_ANNOTATION,
  VM_NAME_LABEL,
  type VirtualMachineImage,
  type VolumeClaimTemplate,
} from '#shared/kube/harvester.ts';
import type { DataVolumeTemplate, DomainSpec, VirtualMachine, VirtualMachineInstanceSpec, Volume } from '#shared/kube/kubevirt.ts';
import { DESCRIPTION_ANNOTATION } from '#shared/kube/labels.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { formatBytesQuantity, parseQuantity } from '#shared/kube/quantities.ts';

/** What the cluster has of the things that a machine names. */
export interface HarvesterFacts {
  /** The images of the machine's namespace. */
  images: readonly VirtualMachineImage[];
  /** The claims of the machine's namespace that are there already. */
  claims: readonly PersistentVolumeClaim[];
  classes: readonly StorageClass[];
}

const creator = 'hayloft';
const gib = 2 ** 30;

/** @param objects a VirtualMachine and what goes with it. @returns the same for Harvester, in the same order */
export function harvesterObjects(objects: readonly KubeObject[], facts: HarvesterFacts): KubeObject[] {
  const machine = objects.find((object): object is VirtualMachine => object.kind === 'VirtualMachine');
  if (!machine) return [...objects];
  const seeds = objects.filter((object): object is Secret => object.kind === 'Secret' && isSeedOf(machine, object));
  const { vm, secret } = harvesterMachine(machine, facts);
  const shaped = objects.map((object) => (object === machine ? vm : seeds.includes(object as Secret) ? seedSecret(object as Secret) : object));
  return secret ? [secret, ...shaped] : shaped;
}

/** @returns the machine, and the Secret for user data that stood in the machine itself */
export function harvesterMachine(machine: VirtualMachine, facts: HarvesterFacts): { vm: VirtualMachine; secret?: Secret } {
  const { metadata, spec } = machine;
  const { name = '' } = metadata;
  const { volumes, templates } = volumesOf(machine, facts);
  const seeded = withSecretSeed(machine, volumes);
  const { [DESCRIPTION_ANNOTATION]: description, ...annotations } = metadata.annotations ?? {};
  const template = spec.template;
  const rest = { ...spec };
  delete rest.dataVolumeTemplates;
  const vm: VirtualMachine = {
    ...machine,
    metadata: {
      ...metadata,
      labels: { [CREATOR_LABEL]: creator, [OS_LABEL]: systemOf(machine), ...metadata.labels },
      annotations: {
        ...annotations,
        ...(description === undefined ? {} : { [HARVESTER_DESCRIPTION_ANNOTATION]: description }),
        [CLAIM_TEMPLATES_ANNOTATION]: JSON.stringify(templates),
        [NETWORK_IPS_ANNOTATION]: '[]',
      },
    },
    spec: {
      ...rest,
      template: {
        ...template,
        metadata: {
          ...template.metadata,
          labels: { [CREATOR_LABEL]: creator, [VM_NAME_LABEL]: name, ...template.metadata?.labels },
          annotations: { [SSH_NAMES_ANNOTATION]: '[]', ...template.metadata?.annotations },
        },
        spec: templateSpec(template.spec, seeded.volumes),
      },
    },
  };
  return { vm, ...(seeded.secret ? { secret: seeded.secret } : {}) };
}

function templateSpec(spec: VirtualMachineInstanceSpec, volumes: Volume[]): VirtualMachineInstanceSpec {
  const { devices } = spec.domain;
  const seed = seedVolume(spec.volumes)?.name;
  return {
    ...spec,
    evictionStrategy: spec.evictionStrategy ?? 'LiveMigrateIfPossible',
    domain: {
      ...sizedByLimits(spec.domain),
      features: { acpi: { enabled: true }, ...spec.domain.features },
      devices: {
        ...devices,
        inputs: devices.inputs ?? [{ name: 'tablet', type: 'tablet', bus: 'usb' }],
        ...(devices.disks ? { disks: devices.disks.map((disk) => (disk.name === seed ? { ...disk, name: CLOUD_INIT_DISK } : disk)) } : {}),
        // Its interface shows no model where none is said.
        ...(devices.interfaces ? { interfaces: devices.interfaces.map((card) => ({ model: 'virtio', ...card })) } : {}),
      },
    },
    volumes,
  };
}

/**
 * Harvester's webhook works requests and the guest's memory out of the limits, by its overcommit; the guest then sees what
 * is reserved less. A machine with an instancetype has its size from there.
 */
function sizedByLimits(domain: DomainSpec): DomainSpec {
  const { cpu, memory, ...rest } = domain;
  if (memory?.guest === undefined) return domain;
  const { guest, ...kept } = memory;
  const { sockets = 1, cores = 1, threads = 1 } = cpu ?? {};
  return {
    ...rest,
    cpu: { ...cpu, sockets, cores, threads },
    ...(Object.keys(kept).length === 0 ? {} : { memory: kept }),
    resources: { ...rest.resources, limits: { ...rest.resources?.limits, cpu: String(sockets * cores * threads), memory: guest } },
  };
}

/** Volumes on claims, and the templates of those claims that are to be made. */
function volumesOf(machine: VirtualMachine, facts: HarvesterFacts): { volumes: Volume[]; templates: VolumeClaimTemplate[] } {
  const { name = '', namespace = '' } = machine.metadata;
  const templates: VolumeClaimTemplate[] = [];
  const volumes = (machine.spec.template.spec.volumes ?? []).map((volume): Volume => {
    const own = machine.spec.dataVolumeTemplates?.find(({ metadata }) => metadata.name === volume.dataVolume?.name);
    if (own) {
      templates.push(templateOf(own, namespace, facts));
      return { name: volume.name, persistentVolumeClaim: { claimName: own.metadata.name ?? '' } };
    }
    const image = imageCalled(facts, volume.persistentVolumeClaim?.claimName);
    if (!image) return volume;
    const claimName = `${name}-${volume.name}`;
    templates.push(imageTemplate(claimName, namespace, image, 0));
    return { name: volume.name, persistentVolumeClaim: { claimName } };
  });
  return { volumes, templates };
}

function templateOf({ metadata, spec }: DataVolumeTemplate, namespace: string, facts: HarvesterFacts): VolumeClaimTemplate {
  const { storageClassName: asked, resources } = spec.storage ?? spec.pvc ?? {};
  const bytes = parseQuantity(resources?.requests?.storage) ?? 0;
  const { name = '' } = metadata;
  const source = spec.source?.pvc?.name;
  const image = imageCalled(facts, source);
  if (image) return imageTemplate(name, namespace, image, bytes);
  const origin = facts.claims.find((claim) => claim.metadata.name === source);
  const found = origin ? facts.classes.find((item) => item.metadata.name === origin.spec.storageClassName) : classFor(facts.classes, asked);
  const className = origin?.spec.storageClassName ?? asked ?? found?.metadata.name;
  return {
    metadata: { name },
    spec: {
      accessModes: origin?.spec.accessModes ?? [movable(found) ? 'ReadWriteMany' : 'ReadWriteOnce'],
      volumeMode: origin?.spec.volumeMode ?? 'Block',
      ...(className === undefined ? {} : { storageClassName: className }),
      resources: { requests: { storage: formatBytesQuantity(bytes) } },
      ...(source === undefined ? {} : { dataSource: { kind: 'PersistentVolumeClaim', name: source } }),
    },
  };
}

/** Longhorn's volumes of an image's class are its copies; they may be moved, and so are shared block devices. */
function imageTemplate(claim: string, namespace: string, image: VirtualMachineImage, askedBytes: number): VolumeClaimTemplate {
  const { status = {}, metadata } = image;
  const bytes = Math.max(askedBytes, Math.ceil(Math.max(status.virtualSize ?? 0, status.size ?? 0, 1) / gib) * gib);
  return {
    metadata: { name: claim, annotations: { [IMAGE_ID_ANNOTATION]: `${metadata.namespace ?? namespace}/${metadata.name ?? ''}` } },
    spec: {
      accessModes: ['ReadWriteMany'],
      volumeMode: 'Block',
      ...(status.storageClassName === undefined ? {} : { storageClassName: status.storageClassName }),
      resources: { requests: { storage: formatBytesQuantity(bytes) } },
    },
  };
}

const imageCalled = ({ images }: HarvesterFacts, name: string | undefined): VirtualMachineImage | undefined =>
  name === undefined ? undefined : images.find(({ metadata }) => metadata.name === name);

const classFor = (classes: readonly StorageClass[], name: string | undefined): StorageClass | undefined =>
  classes.find(({ metadata }) => (name === undefined ? metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' : metadata.name === name));

/** Only Longhorn's `migratable` volumes may be on two nodes for the time of a move. */
const movable = (found: StorageClass | undefined): boolean => found?.parameters?.['migratable'] === 'true';

const seedVolume = (volumes: readonly Volume[] | undefined): Volume | undefined =>
  volumes?.find(({ cloudInitNoCloud, cloudInitConfigDrive }) => cloudInitNoCloud ?? cloudInitConfigDrive);

const isSeedOf = (machine: VirtualMachine, { metadata }: Secret): boolean => {
  const volume = seedVolume(machine.spec.template.spec.volumes);
  const { secretRef, networkDataSecretRef } = volume?.cloudInitNoCloud ?? volume?.cloudInitConfigDrive ?? {};
  return [secretRef?.name, networkDataSecretRef?.name].includes(metadata.name);
};

/** Its interface reads and writes user data in a Secret; what stands in the machine itself is moved there. */
function withSecretSeed(machine: VirtualMachine, volumes: Volume[]): { volumes: Volume[]; secret?: Secret } {
  const { name = '', namespace = '' } = machine.metadata;
  const seed = seedVolume(volumes);
  if (!seed) return { volumes };
  const { userData, networkData, ...rest } = seed.cloudInitNoCloud ?? seed.cloudInitConfigDrive ?? {};
  const inline = userData !== undefined || networkData !== undefined;
  const secretName = rest.secretRef?.name ?? rest.networkDataSecretRef?.name ?? (inline ? `${name}-cloud-init` : undefined);
  const source = { ...rest, ...(secretName === undefined ? {} : { secretRef: { name: secretName }, networkDataSecretRef: { name: secretName } }) };
  const shaped: Volume = { name: CLOUD_INIT_DISK, ...(seed.cloudInitNoCloud ? { cloudInitNoCloud: source } : { cloudInitConfigDrive: source }) };
  const moved = volumes.map((volume) => (volume === seed ? shaped : volume));
  if (!inline || secretName === undefined) return { volumes: moved };
  const secret: Secret = {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: secretName, namespace }, type: 'Opaque' },
    stringData: { ...(userData === undefined ? {} : { userdata: userData }), ...(networkData === undefined ? {} : { networkdata: networkData }) },
  };
  return { volumes: moved, secret: seedSecret(secret) };
}

function seedSecret(secret: Secret): Secret {
  return {
    ...secret,
    metadata: { ...secret.metadata, labels: { [CLOUD_INIT_LABEL]: 'harvester', ...secret.metadata.labels } },
    stringData: { userdata: '', networkdata: '', ...secret.stringData },
  };
}

const systemOf = ({ spec }: VirtualMachine): string => (/^windows/i.test(spec.preference?.name ?? '') ? 'windows' : 'linux');
