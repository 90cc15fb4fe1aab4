/** Ports of this computer that a Service may take. */
import { readFileSync } from 'node:fs';
import type { Protocol, Service } from '../definitions/service.ts';

/** Kubernetes' own default range. */
export const firstNodePort = 30_000;
export const lastNodePort = 32_767;

/** `TCP/30022` */
export const portKey = (protocol: Protocol, port: number): string => `${protocol}/${port}`;

/** Every port of this computer that a Service listens on, by its key. A LoadBalancer listens on its `port`, too. */
export function hostPorts({ spec }: Service): { protocol: Protocol; hostPort: number; index: number }[] {
  return (spec.ports ?? []).flatMap(({ protocol = 'TCP', port, nodePort }, index) => {
    const ports = [nodePort, spec.type === 'LoadBalancer' ? port : undefined];
    return [...new Set(ports)].flatMap((hostPort) => (hostPort === undefined ? [] : [{ protocol, hostPort, index }]));
  });
}

/**
 * A port of the range that nobody has asked for and nobody listens on.
 * @param taken keys of ports that Services have
 * @returns undefined when there is none left
 */
export function findNodePort(protocol: Protocol, taken: ReadonlySet<string>, busy: ReadonlySet<number>): number | undefined {
  const size = lastNodePort - firstNodePort + 1;
  const start = Math.floor(Math.random() * size);
  for (let offset = 0; offset < size; offset++) {
    const port = firstNodePort + ((start + offset) % size);
    if (!taken.has(portKey(protocol, port)) && !busy.has(port)) return port;
  }
  return undefined;
}

/**
 * Local ports that are in use on this computer, by proc(5)'s net/tcp and net/udp. Empty where a system has no such
 * files: a port that is taken there is found out when it is opened.
 */
export function busyPorts(protocol: Protocol): Set<number> {
  const name = protocol.toLowerCase();
  const lines = [`/proc/net/${name}`, `/proc/net/${name}6`].flatMap((path) => linesOf(path).slice(1));
  // "sl: ADDRESS:PORT …", in hexadecimal.
  return new Set(lines.flatMap((line) => /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /.exec(line)?.[1] ?? []).map((port) => Number.parseInt(port, 16)));
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
