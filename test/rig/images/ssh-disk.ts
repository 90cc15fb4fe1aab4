/**
 * The small Linux of the shell disk with a real sshd, for logging in from the app: its user is {@link sshUser}, who is let
 * in with the `ssh-ed25519` keys of the user-data on the CD labelled `cidata`, which gives the `hostname` as well.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { systemFile, tool } from './cache.ts';
import { smallDisk, type GuestFiles } from './shell-disk.ts';

export const sshUser = 'ann';

const configuration = `HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
UseDNS no
`;

const start = `#!/bin/sh
mkdir -p /seed /run/sshd /home/${sshUser}/.ssh
if mount -t iso9660 -o ro /dev/sr0 /seed; then
  sed -n 's/^hostname: *//p' /seed/user-data | head -n 1 | xargs hostname
  grep -o 'ssh-ed25519 [A-Za-z0-9+/=]*' /seed/user-data >/home/${sshUser}/.ssh/authorized_keys
  chown -R ${sshUser} /home/${sshUser}
fi
/usr/sbin/sshd
`;

const server = (): string => systemFile('/usr/sbin/sshd', 'openssh-server');

export function sshDisk(): string {
  return smallDisk({ name: 'ssh.qcow2', parts: [import.meta.filename], inputs: [server()], more });
}

function more(work: string): GuestFiles {
  const key = join(work, 'host-key');
  tool('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key]);
  return {
    ...programWithLibraries(server()),
    'etc/passwd': [`root:*:0:0:root:/root:/bin/sh\nsshd:*:100:100::/run/sshd:/bin/false\n${sshUser}:*:1000:1000::/home/${sshUser}:/bin/sh\n`, 0o644],
    'etc/group': [`root:x:0:\nsshd:x:100:\n${sshUser}:x:1000:\n`, 0o644],
    'etc/shells': ['/bin/sh\n', 0o644],
    'etc/ssh/sshd_config': [configuration, 0o644],
    'etc/ssh/ssh_host_ed25519_key': [readFileSync(key), 0o600],
    'etc/profile': ["PS1='\\u@\\h:\\w\\$ '\n", 0o644],
    'etc/more': [start, 0o755],
  };
}

/** A program of this system and what it is linked with, each where the loader looks for it. */
function programWithLibraries(program: string): GuestFiles {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
  return Object.fromEntries([program, ...listed].map((path) => [path.slice(1), [readFileSync(realpathSync(path)), 0o755]]));
}
