/** Two computers on a cable of their own, as network namespaces: nothing that they send leaves them. Needs root. */
import { execFileSync, spawnSync } from 'node:child_process';

export interface RigHost {
  /** Address on the cable. */
  ip4: string;
  ip6: string;
  /** Words before a command that is to run there. */
  within: readonly string[];
  /** Runs a command to its end, and returns its stdout; throws with stderr. */
  run(command: string, ...args: string[]): string;
}

export interface TwoHosts {
  server: RigHost;
  client: RigHost;
  /** Ends what still runs in them. */
  destroy(): void;
}

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

export function makeTwoHosts(): TwoHosts {
  const names = ['a', 'b'].map((end) => `hayloft-${process.pid}-${end}`);
  const [first = '', second = ''] = names;
  const destroy = (): void => {
    for (const name of names) spawnSync('ip', ['netns', 'delete', name]);
  };
  try {
    for (const name of names) ip('netns', 'add', name);
    ip('link', 'add', 'eth0', 'netns', first, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', second);
    const [server, client] = names.map((name, index) => {
      const host = hostIn(name, index + 1);
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'address', 'add', `${host.ip4}/24`, 'dev', 'eth0');
      // Without waiting for others who might have the address.
      ip('-n', name, 'address', 'add', `${host.ip6}/64`, 'dev', 'eth0', 'nodad');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
      return host;
    });
    if (!server || !client) throw new Error('There are two.');
    return { server, client, destroy };
  } catch (error) {
    destroy();
    throw error;
  }
}

function hostIn(name: string, number: number): RigHost {
  const within = ['ip', 'netns', 'exec', name];
  return {
    ip4: `10.99.7.${number}`,
    ip6: `fd99:7::${number}`,
    within,
    run: (command, ...args) => execFileSync('ip', [...within.slice(1), command, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  };
}
