/** The commands that a person copies to get into a guest. */
import type { ObjectRef } from '#shared/contract/machines.ts';

/** The first user that a system's own cloud images have, by os-release's ID; they let no root in. */
const firstUsers: Partial<Record<string, string>> = {
  debian: 'debian',
  ubuntu: 'ubuntu',
  fedora: 'fedora',
  centos: 'cloud-user',
  rhel: 'cloud-user',
  almalinux: 'almalinux',
  rocky: 'rocky',
  alpine: 'alpine',
  arch: 'arch',
};

/**
 * Who is likely to log in.
 * @param systemId what the guest agent says the system is
 * @param loggedIn somebody who is logged in now: more likely the one who is meant
 */
export function likelyUser(systemId?: string, loggedIn?: string): string | undefined {
  const safe = loggedIn !== undefined && /^[a-z_][\w.-]*$/i.test(loggedIn) ? loggedIn : undefined;
  return safe ?? firstUsers[systemId ?? ''];
}

/** `ssh` to an address that is reached from here. */
export function sshCommand({ host, port }: { host: string; port: number }, systemId?: string, loggedIn?: string): string {
  return `ssh${port === 22 ? '' : ` -p ${port}`} ${likelyUser(systemId, loggedIn) ?? 'user'}@${host}`;
}

/** Commands of KubeVirt's virtctl and of kubectl that lead to a machine; names of objects need no quoting in a shell. */
export function clusterCommands({ namespace, name }: ObjectRef, user: string): { title: string; command: string }[] {
  const at = `-n ${namespace}`;
  return [
    { title: 'SSH', command: `virtctl ssh ${user}@vmi/${name} ${at}` },
    { title: 'Serial line', command: `virtctl console ${name} ${at}` },
    { title: 'Screen', command: `virtctl vnc ${name} ${at}` },
    { title: 'Port', command: `virtctl port-forward vmi/${name} ${at} 8080:80` },
    { title: 'Definition', command: `kubectl get vm ${name} ${at} -o yaml` },
  ];
}
