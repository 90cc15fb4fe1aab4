/** A machine with the rig's Debian: its definition with user-data, and commands run in it through SSH. */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { VirtualMachine } from '../../shared/kube/kubevirt.ts';

/** The user that the user-data makes. */
export const debianUser = 'ann';

export interface KeyPair {
  /** Path of the private key. */
  file: string;
  /** The line for `authorized_keys`. */
  line: string;
}

export function makeKeyPair(folder: string, name = 'key'): KeyPair {
  const file = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
  return { file, line: readFileSync(`${file}.pub`, 'utf8').trim() };
}

/** cloud-init's user-data: a host name, and a user who is let in with the key. */
export const debianUserData = (hostname: string, key: KeyPair): string =>
  `#cloud-config\n${stringify({
    hostname,
    users: [{ name: debianUser, sudo: 'ALL=(ALL) NOPASSWD:ALL', shell: '/bin/bash', ssh_authorized_keys: [key.line] }],
  })}`;

/** @param claim the DataVolume that the Debian was uploaded into */
export const debianMachine = (name: string, claim: string, userData: string): VirtualMachine => ({
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachine',
  metadata: { name },
  spec: {
    runStrategy: 'Always',
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        domain: {
          memory: { guest: '512Mi' },
          devices: {
            disks: [{ name: 'root', disk: { bus: 'virtio' } }, { name: 'seed', cdrom: { bus: 'sata' } }],
            interfaces: [{ name: 'default', masquerade: {} }],
          },
        },
        networks: [{ name: 'default', pod: {} }],
        volumes: [{ name: 'root', dataVolume: { name: claim } }, { name: 'seed', cloudInitNoCloud: { userData } }],
      },
    },
  },
});

/** Leads a port of this computer to the machine's SSH. */
export const sshService = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { type: 'NodePort', selector: { app: name }, ports: [{ port: 22 }] },
});

/**
 * Runs a command in the guest that this port leads to.
 * @returns what it printed; rejects with what ssh, or the command, complained of
 */
export async function ssh(port: number, key: KeyPair, command: string, user = debianUser): Promise<string> {
  const { stdout } = await promisify(execFile)('ssh', [
    '-i', key.file, '-p', String(port), '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'IdentitiesOnly=yes',
    '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=10', `${user}@127.0.0.1`, command,
  ]); // prettier-ignore
  return stdout.trim();
}
