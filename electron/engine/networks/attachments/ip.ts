/** Changing this computer's network devices, with iproute2. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import { findProgram } from '../../qemu/binary.ts';

/** capabilities(7) */
const CAP_NET_ADMIN = 12n;

/** Everything that this computer's networks need to be changed, or why they cannot be. @throws HayloftError */
export function requireNetworkRights(): void {
  if (process.platform !== 'linux') {
    throw new HayloftError('unsupported', 'Networks of the computer are offered on Linux only.', { hint: 'Use the pod network with masquerade.' });
  }
  if (findProgram('ip') === undefined || findProgram('bridge') === undefined) {
    throw new HayloftError('unsupported', 'The programs "ip" and "bridge" are not installed on this computer.', { hint: 'Install the package iproute2 (on Fedora and openSUSE: iproute, iproute2).', retryable: true });
  }
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  if (((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 0n) {
    throw new HayloftError('forbidden', 'The engine may not change this computer’s networks.', {
      hint: 'Run it as root or give it the capability CAP_NET_ADMIN (in its systemd unit: AmbientCapabilities=CAP_NET_ADMIN), or use the pod network with masquerade.',
      retryable: true,
    });
  }
}

export const hasDevice = (name: string): boolean => existsSync(`/sys/class/net/${name}`);
export const isBridge = (name: string): boolean => existsSync(`/sys/class/net/${name}/bridge`);

const vlanFile = (bridge: string): string => `/sys/class/net/${bridge}/bridge/vlan_filtering`;

/** Whether the kernel can put a bridge's ports into VLANs at all. @param bridge one that is there */
export const canFilterVlans = (bridge: string): boolean => existsSync(vlanFile(bridge));
/** Whether this bridge does. */
export const filtersVlans = (bridge: string): boolean => canFilterVlans(bridge) && readFileSync(vlanFile(bridge), 'utf8').trim() === '1';

/**
 * Runs lines of `ip -batch`, in order, up to the first that fails.
 * @throws HayloftError with the program's own words
 */
export const ipBatch = (lines: readonly string[]): Promise<void> => batch('ip', lines);
/** The same with iproute2's `bridge`. */
export const bridgeBatch = (lines: readonly string[]): Promise<void> => batch('bridge', lines);

async function batch(name: string, lines: readonly string[]): Promise<void> {
  const program = findProgram(name) ?? name;
  await new Promise<void>((resolve, reject) => {
    const child = execFile(program, ['-batch', '-'], (error, _stdout, stderr) => {
      if (error) reject(refused(stderr.trim() || error.message));
      else resolve();
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(`${lines.join('\n')}\n`);
  });
}

function refused(words: string): HayloftError {
  const text = words.replace(/\nCommand failed -:\d+$/, '').replace(/^RTNETLINK answers: /, '');
  return new HayloftError('internal', `This computer’s network could not be changed: ${text}`, { retryable: true });
}

/** Devices with the owner's mark that was given to them. */
export async function markedDevices(): Promise<{ name: string; mark: string }[]> {
  const program = findProgram('ip');
  if (program === undefined) return [];
  const output = await new Promise<string>((resolve, reject) => {
    execFile(program, ['-json', 'link', 'show'], { maxBuffer: 16 * 2 ** 20 }, (error, stdout, stderr) => {
      if (error) reject(refused(stderr.trim() || error.message));
      else resolve(stdout);
    });
  });
  const devices = JSON.parse(output || '[]') as { ifname: string; ifalias?: string }[];
  return devices.flatMap(({ ifname, ifalias }) => (ifalias === undefined ? [] : [{ name: ifname, mark: ifalias }]));
}
