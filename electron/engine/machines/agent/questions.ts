/**
 * What the agent in a guest is asked, in the shapes in which KubeVirt tells it on. Answers are the guest's word: what
 * is of another type than it should be is left out, and lists and texts are cut at a length that no honest guest needs.
 * Commands and fields: QEMU's qga/qapi-schema.json.
 */
import type { GuestAgent } from '../../qemu/agent/types.ts';

const longestText = 256;
const longestList = 256;

export interface GuestInterface {
  name: string;
  mac: string;
  addresses: string[];
}

export interface GuestFileSystem {
  diskName: string;
  mountPoint: string;
  fileSystemType: string;
  usedBytes: number;
  totalBytes: number;
  disk?: { serial?: string; busType: string }[];
}

export interface GuestUser {
  userName: string;
  domain?: string;
  /** Seconds since 1970. */
  loginTime: number;
}

/** Without the loopback; IPv4 addresses first, as the first is shown as the address. */
export async function askInterfaces(agent: GuestAgent): Promise<GuestInterface[]> {
  return list(await agent.command('guest-network-get-interfaces'))
    .map((item) => {
      const addresses = list(item['ip-addresses']).flatMap((address) => {
        const ip = text(address['ip-address']);
        return ip === '' ? [] : [{ ip, first: address['ip-address-type'] === 'ipv4' }];
      });
      return {
        name: text(item['name']),
        mac: text(item['hardware-address']).toLowerCase(),
        addresses: [...addresses.filter(({ first }) => first), ...addresses.filter(({ first }) => !first)].map(({ ip }) => ip),
      };
    })
    .filter(({ name, mac }) => name !== 'lo' && mac !== '' && mac !== '00:00:00:00:00:00');
}

/** KubeVirt's `status.guestOSInfo`. */
export async function askSystem(agent: GuestAgent): Promise<Record<string, string>> {
  const answer = record(await agent.command('guest-get-osinfo'));
  const names: Record<string, string> = {
    name: 'name',
    kernelRelease: 'kernel-release',
    version: 'version',
    prettyName: 'pretty-name',
    versionId: 'version-id',
    kernelVersion: 'kernel-version',
    machine: 'machine',
    id: 'id',
  };
  return Object.fromEntries(
    Object.entries(names)
      .map(([ours, theirs]) => [ours, text(answer[theirs])] as const)
      .filter(([, value]) => value !== ''),
  );
}

export async function askHostName(agent: GuestAgent): Promise<string> {
  return text(record(await agent.command('guest-get-host-name'))['host-name']);
}

/** `UTC, 0`: the zone's name and its distance from UTC in seconds. */
export async function askTimeZone(agent: GuestAgent): Promise<string> {
  const { zone, offset } = record(await agent.command('guest-get-timezone'));
  return `${text(zone)}, ${number(offset)}`;
}

export async function askFileSystems(agent: GuestAgent): Promise<GuestFileSystem[]> {
  return list(await agent.command('guest-get-fsinfo')).map((item) => {
    const disks = list(item['disk']).map((disk) => {
      const serial = text(disk['serial']);
      return { ...(serial === '' ? {} : { serial }), busType: text(disk['bus-type']) };
    });
    return {
      diskName: text(item['name']),
      mountPoint: text(item['mountpoint']),
      fileSystemType: text(item['type']),
      usedBytes: number(item['used-bytes']),
      totalBytes: number(item['total-bytes']),
      ...(disks.length === 0 ? {} : { disk: disks }),
    };
  });
}

export async function askUsers(agent: GuestAgent): Promise<GuestUser[]> {
  return list(await agent.command('guest-get-users')).map((item) => {
    const domain = text(item['domain']);
    return { userName: text(item['user']), ...(domain === '' ? {} : { domain }), loginTime: number(item['login-time']) };
  });
}

export async function askVersion(agent: GuestAgent): Promise<{ guestAgentVersion: string; supportedCommands: object[] }> {
  const answer = record(await agent.command('guest-info'));
  const supportedCommands = list(answer['supported_commands']).map((item) => ({
    name: text(item['name']),
    enabled: item['enabled'] === true,
    'success-response': item['success-response'] === true,
  }));
  return { guestAgentVersion: text(answer['version']), supportedCommands };
}

type Fields = Record<string, unknown>;

const record = (value: unknown): Fields => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {});
const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.slice(0, longestList).map(record) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, longestText) : '');
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
