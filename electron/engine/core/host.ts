/** What the engine's own computer has, as the Node tells it. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { arch, cpus, freemem, hostname, networkInterfaces, platform, release, totalmem, type as systemName } from 'node:os';
import packageJson from '../../../package.json' with { type: 'json' };

/** What changes while the computer runs; bytes. */
export interface Headroom {
  memoryAvailableBytes: number;
  diskFreeBytes: number;
}

export interface Host extends Headroom {
  cores: number;
  memoryBytes: number;
  diskBytes: number;
  addresses: { type: string; address: string }[];
  nodeInfo: Record<string, string>;
  os: string;
  arch: string;
}

/** Kubernetes' (that is Go's) names for what Node calls otherwise. */
const architectures: Partial<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export const architecture = (): string => architectures[arch()] ?? arch();

/** This computer's name, made fit to be an object's name. */
export function nodeNameFrom(name = hostname()): string {
  const fit = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/^[.-]+|[.-]+$/g, '')
    .slice(0, 63)
    .replaceAll(/[.-]+$/g, '');
  return fit === '' || fit.includes('..') || /-\.|\.-/.test(fit) ? 'this-computer' : fit;
}

export async function readHeadroom(dataDir: string): Promise<Headroom> {
  const disk = await statfs(dataDir);
  return { memoryAvailableBytes: freemem(), diskFreeBytes: disk.bavail * disk.bsize };
}

/** @param dataDir where disks will lie: the file system that is meant by storage */
export async function readHost(dataDir: string): Promise<Host> {
  const disk = await statfs(dataDir);
  return {
    ...(await readHeadroom(dataDir)),
    cores: cpus().length,
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    addresses: readAddresses(),
    os: goPlatform(),
    arch: architecture(),
    nodeInfo: {
      machineID: firstLine('/etc/machine-id'),
      systemUUID: firstLine('/sys/class/dmi/id/product_uuid'),
      bootID: firstLine('/proc/sys/kernel/random/boot_id'),
      kernelVersion: release(),
      osImage: osImage(),
      containerRuntimeVersion: 'qemu',
      kubeletVersion: `v${packageJson.version}+hayloft`,
      kubeProxyVersion: '',
      operatingSystem: goPlatform(),
      architecture: architecture(),
    },
  };
}

const goPlatform = (): string => (platform() === 'win32' ? 'windows' : platform());

function readAddresses(): Host['addresses'] {
  const own = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ internal, family, address }) => !internal && (family === 'IPv4' || !address.startsWith('fe80:')))
    .sort((a, b) => a.family.localeCompare(b.family));
  return [
    ...own.slice(0, 4).map(({ address }) => ({ type: 'InternalIP', address })),
    { type: 'Hostname', address: hostname() },
  ];
}

function osImage(): string {
  const name = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(textOf('/etc/os-release'))?.[1];
  return name ?? `${systemName()} ${release()}`;
}

const firstLine = (path: string): string => textOf(path).split('\n')[0]?.trim() ?? '';

/** Empty where a system has no such file, or does not let us read it: the Node then just does not tell. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
