/** The command that a person copies to get into a guest. */

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
 * @param systemId what the guest agent says the system is
 * @param loggedIn somebody who is logged in now: more likely the one who is meant
 */
export function sshCommand({ host, port }: { host: string; port: number }, systemId?: string, loggedIn?: string): string {
  const safe = loggedIn !== undefined && /^[a-z_][\w.-]*$/i.test(loggedIn) ? loggedIn : undefined;
  const user = safe ?? firstUsers[systemId ?? ''] ?? 'user';
  return `ssh${port === 22 ? '' : ` -p ${port}`} ${user}@${host}`;
}
