/**
 * What a machine's discs with settings hold: cloud-init's two kinds, Windows' answer files, ConfigMaps and Secrets.
 * File names and metadata are KubeVirt's (pkg/cloud-init, pkg/config), so that a guest is none the wiser.
 */
import type { ConfigMap, Secret } from '#shared/kube/core.ts';
import type { CloudInitSource, SshKeyPropagation, VirtualMachineInstance, Volume } from '#shared/kube/kubevirt.ts';
import { agentSecretNames } from '../access-credentials/wanted.ts';
import { makeDisc } from './disc/disc.ts';

/** Where Secrets and ConfigMaps of the machine's namespace are found. */
export interface SeedSources {
  secret(name: string): Secret | undefined;
  configMap(name: string): ConfigMap | undefined;
}

type Files = Map<string, Uint8Array>;

/** What is still missing, in words; thrown within this file only. */
class Missing extends Error {}

/** Images by volume name, or what the machine has to wait for. */
export type Seeds = { discs: Map<string, Uint8Array> } | { waiting: string };

/**
 * @returns images by volume name, or what the machine has to wait for
 * @throws Error when a key's name does not fit on a disc
 */
export function makeSeeds(vmi: VirtualMachineInstance, sources: SeedSources, now: Date): Seeds {
  const discs = new Map<string, Uint8Array>();
  try {
    // A machine of KubeVirt's waits for these, too, though its agent gives them to the guest much later.
    for (const name of agentSecretNames(vmi)) secretOf(sources, name);
    for (const volume of vmi.spec.volumes ?? []) {
      const plan = seedOf(vmi, volume, sources);
      if (plan) discs.set(volume.name, makeDisc(plan, now));
    }
    return { discs };
  } catch (error) {
    if (error instanceof Missing) return { waiting: error.message };
    throw error;
  }
}

/** Names of the Secrets and ConfigMaps that a machine's discs are made from. */
export function seedReferences(vmi: VirtualMachineInstance): { secrets: Set<string>; configMaps: Set<string> } {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const noted: SeedSources = {
    secret: (name) => (secrets.add(name), { apiVersion: 'v1', kind: 'Secret', metadata: {}, data: { userdata: '', networkdata: '' } }),
    configMap: (name) => (configMaps.add(name), { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} }),
  };
  for (const volume of vmi.spec.volumes ?? []) seedOf(vmi, volume, noted);
  for (const name of agentSecretNames(vmi)) secrets.add(name);
  return { secrets, configMaps };
}

function seedOf(vmi: VirtualMachineInstance, volume: Volume, sources: SeedSources): { label: string; files: Files } | undefined {
  const { cloudInitNoCloud, cloudInitConfigDrive, sysprep, configMap, secret } = volume;
  if (cloudInitNoCloud) return { label: 'cidata', files: noCloud(vmi, cloudInitNoCloud, sources) };
  if (cloudInitConfigDrive) return { label: 'config-2', files: configDrive(vmi, cloudInitConfigDrive, sources) };
  if (sysprep?.secret) return { label: 'sysprep', files: ofSecret(sources, sysprep.secret.name) };
  if (sysprep?.configMap) return { label: 'sysprep', files: ofConfigMap(sources, sysprep.configMap.name) };
  if (configMap) return { label: configMap.volumeLabel ?? 'cfgdata', files: ofConfigMap(sources, configMap.name, configMap.optional) };
  if (secret) return { label: secret.volumeLabel ?? 'cfgdata', files: ofSecret(sources, secret.secretName, secret.optional) };
  return undefined;
}

function noCloud(vmi: VirtualMachineInstance, source: CloudInitSource, sources: SeedSources): Files {
  const { user, network } = cloudInitData(source, sources);
  const keys = publicKeys(vmi, sources, 'noCloud');
  const metadata = {
    'instance-id': machineId(vmi),
    'local-hostname': hostName(vmi),
    ...(keys ? { 'public-keys': keys } : {}),
  };
  return new Map([
    ['meta-data', Buffer.from(JSON.stringify(metadata))],
    ['user-data', user],
    ...(network ? ([['network-config', network]] as const) : []),
  ]);
}

function configDrive(vmi: VirtualMachineInstance, source: CloudInitSource, sources: SeedSources): Files {
  const { user, network } = cloudInitData(source, sources);
  const keys = publicKeys(vmi, sources, 'configDrive');
  const { name = '', namespace = '' } = vmi.metadata;
  const metadata = {
    instance_id: `${name}.${namespace}`,
    hostname: hostName(vmi),
    uuid: machineId(vmi),
    ...(keys ? { public_keys: keys } : {}),
  };
  return new Map([
    ['openstack/latest/meta_data.json', Buffer.from(JSON.stringify(metadata))],
    ['openstack/latest/user_data', user],
    ...(network ? ([['openstack/latest/network_data.json', network]] as const) : []),
  ]);
}

function cloudInitData(source: CloudInitSource, sources: SeedSources): { user: Uint8Array; network: Uint8Array | undefined } {
  const inline = (text: string | undefined, base64: string | undefined): Uint8Array | undefined =>
    text ? Buffer.from(text) : base64 ? Buffer.from(base64, 'base64') : undefined;
  const user = source.secretRef
    ? keyOf(sources, source.secretRef.name, ['userdata', 'userData'])
    : inline(source.userData, source.userDataBase64);
  const network = source.networkDataSecretRef
    ? keyOf(sources, source.networkDataSecretRef.name, ['networkdata', 'networkData'])
    : inline(source.networkData, source.networkDataBase64);
  // Without a file of user data, cloud-init does not take the disc for its own.
  return { user: user ?? new Uint8Array(), network };
}

/** cloud-init runs its first-boot steps once for each of these: the same machine keeps it over restarts. */
const machineId = ({ metadata, spec }: VirtualMachineInstance): string => spec.domain.firmware?.uuid ?? metadata.uid ?? '';

/** The name asked for, or the machine's, without a domain. */
const hostName = ({ metadata, spec }: VirtualMachineInstance): string => (spec.hostname ?? metadata.name ?? '').split('.')[0]?.slice(0, 63) ?? '';

function publicKeys(vmi: VirtualMachineInstance, sources: SeedSources, method: keyof SshKeyPropagation): Record<string, string> | undefined {
  const keys = (vmi.spec.accessCredentials ?? [])
    .filter(({ sshPublicKey }) => sshPublicKey?.propagationMethod[method] !== undefined)
    .flatMap(({ sshPublicKey }) => [...ofSecret(sources, sshPublicKey?.source.secret?.secretName ?? '').values()])
    .map((bytes) => Buffer.from(bytes).toString().trim())
    .filter((text) => text !== '');
  return keys.length === 0 ? undefined : Object.fromEntries(keys.map((key, index) => [String(index), key]));
}

function secretOf(sources: SeedSources, name: string): Secret {
  const secret = sources.secret(name);
  if (!secret) throw new Missing(`The Secret ${name} does not exist.`);
  return secret;
}

function keyOf(sources: SeedSources, name: string, keys: readonly string[]): Uint8Array {
  const { data = {} } = secretOf(sources, name);
  const found = keys.map((key) => data[key]).find((value) => value !== undefined);
  if (found === undefined) throw new Missing(`The Secret ${name} has none of the keys ${keys.join(' and ')}.`);
  return Buffer.from(found, 'base64');
}

function ofSecret(sources: SeedSources, name: string, optional = false): Files {
  if (optional && !sources.secret(name)) return new Map();
  const { data = {} } = secretOf(sources, name);
  return new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

function ofConfigMap(sources: SeedSources, name: string, optional = false): Files {
  const found = sources.configMap(name);
  if (!found && optional) return new Map();
  if (!found) throw new Missing(`The ConfigMap ${name} does not exist.`);
  return new Map<string, Uint8Array>([
    ...Object.entries(found.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
    ...Object.entries(found.binaryData ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
  ]);
}
