/**
 * Ports of this computer that lead into a guest through QEMU's user-mode network. They live in QEMU alone, so they
 * outlive the engine and end with the guest. Commands and table: QEMU's net/slirp.c (hostfwd_add, info usernet).
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { HayloftError } from '#shared/contract/hayloft-error.ts';
import type { Monitor } from '../../qemu/types.ts';
import type { Protocol } from '../definitions/service.ts';

export interface Forward {
  protocol: Protocol;
  /** IPv4, of this computer. */
  address: string;
  hostPort: number;
  guestPort: number;
}

/** One line of `info usernet`, whichever network it belongs to. */
export interface UserNetworkLine {
  protocol: string;
  state: string;
  source: { address: string; port: number };
  destination: { address: string; port: number };
}

/** @param table the answer to `info usernet`; a network's lines follow its heading */
export function parseUserNetwork(table: string, netdev: string): UserNetworkLine[] {
  const lines: UserNetworkLine[] = [];
  let wanted = false;
  for (const line of table.split(/\r?\n/)) {
    const heading = /^\S.*\(([^)]*)\):\s*$/.exec(line);
    if (heading) wanted = heading[1] === netdev;
    const cells = /^\s+(\w+)\[([^\]]*)\]\s+-?\d+\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s/.exec(line);
    if (!wanted || !cells) continue;
    const [, protocol = '', state = '', from = '', fromPort, to = '', toPort] = cells;
    lines.push({ protocol, state, source: { address: from, port: Number(fromPort) }, destination: { address: to, port: Number(toPort) } });
  }
  return lines;
}

export async function userNetwork(monitor: Monitor, netdev: string): Promise<UserNetworkLine[]> {
  return parseUserNetwork(await ask(monitor, 'info usernet'), netdev);
}

/** Every forward that QEMU has on this network. */
export async function forwardsOf(monitor: Monitor, netdev: string): Promise<Forward[]> {
  const lines = await userNetwork(monitor, netdev);
  return lines.flatMap(({ protocol, state, source, destination }) =>
    state === 'HOST_FORWARD'
      ? [{ protocol: protocol === 'UDP' ? 'UDP' : 'TCP', address: source.address === '*' ? '0.0.0.0' : source.address, hostPort: source.port, guestPort: destination.port }]
      : [],
  );
}

/** @throws HayloftError `port-taken`, `forbidden` (a port that only root may open), `internal` */
export async function addForward(monitor: Monitor, netdev: string, forward: Forward): Promise<void> {
  const answer = await ask(monitor, `hostfwd_add ${netdev} ${hostSide(forward)}-:${forward.guestPort}`);
  if (answer !== '') throw await whyNot(forward, answer);
}

/** A forward that is not there any more is no failure. Connections that go through it go on. */
export async function removeForward(monitor: Monitor, netdev: string, forward: Forward): Promise<void> {
  await ask(monitor, `hostfwd_remove ${netdev} ${hostSide(forward)}`);
}

const hostSide = ({ protocol, address, hostPort }: Forward): string => `${protocol.toLowerCase()}:${address}:${hostPort}`;

async function ask(monitor: Monitor, line: string): Promise<string> {
  return String(await monitor.command('human-monitor-command', { 'command-line': line })).trim();
}

/** QEMU does not say why a port cannot be opened: so it is tried. */
async function whyNot(forward: Forward, answer: string): Promise<HayloftError> {
  const { address, hostPort, protocol } = forward;
  const where = `The port ${hostPort} (${protocol}) on ${address}`;
  switch (await errorOfOpening(forward)) {
    case 'EADDRINUSE':
      return new HayloftError('port-taken', `${where} is in use by another program.`, { hint: 'Choose another port, or end that program.', retryable: true });
    case 'EACCES':
      return new HayloftError('forbidden', `${where} may be opened by the administrator only.`, { hint: 'Choose a port from 1024 upward.' });
    case 'EADDRNOTAVAIL':
      return new HayloftError('bad-input', `${where} cannot be opened: this computer has no such address.`, { hint: 'Choose one of this computer’s addresses.', retryable: true });
    default:
      return new HayloftError('internal', `${where} could not be opened (QEMU: ${answer}).`, { retryable: true });
  }
}

async function errorOfOpening({ protocol, address, hostPort }: Forward): Promise<string | undefined> {
  try {
    if (protocol === 'TCP') {
      const server = createServer().listen(hostPort, address);
      await once(server, 'listening');
      server.close();
    } else {
      const socket = createSocket('udp4').bind(hostPort, address);
      await once(socket, 'listening');
      socket.close();
    }
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}
