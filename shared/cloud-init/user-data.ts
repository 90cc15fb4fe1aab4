/** cloud-init's user-data from the answers of a form. Pure. */
import { stringify } from 'yaml';
import type { CloudInitAnswers } from '../contract/machine-templates.ts';

export const noCloudInitAnswers: CloudInitAnswers = { hostname: '', user: '', sshKeys: [], packages: [], timezone: '', guestAgent: false };

const agent = 'qemu-guest-agent';

/** @param machine its name, for which the host is called where the answers name none */
export function renderUserData(answers: CloudInitAnswers, machine: string): string {
  const { user, passwordHash, sshKeys, timezone, guestAgent } = answers;
  const hostname = answers.hostname || machine;
  const packages = [...new Set([...answers.packages, ...(guestAgent ? [agent] : [])])];
  const keys = sshKeys.length === 0 ? {} : { ssh_authorized_keys: sshKeys };
  const config = {
    ...(hostname === '' ? {} : { hostname }),
    ...(user === '' ? ofImagesUser(passwordHash, keys) : { users: [ownUser(user, passwordHash, keys)] }),
    ...(passwordHash === undefined ? {} : { ssh_pwauth: true }),
    ...(timezone === '' ? {} : { timezone }),
    ...(packages.length === 0 ? {} : { package_update: true, packages }),
    // Distributions differ in whether a package's service is started with its installation.
    ...(guestAgent ? { runcmd: [['systemctl', 'enable', '--now', agent]] } : {}),
  };
  const empty = Object.keys(config).length === 0;
  return `#cloud-config\n${empty ? '' : stringify(config, { lineWidth: 0 })}`;
}

type Keys = { ssh_authorized_keys?: string[] };

/** The user that the image has already. */
function ofImagesUser(hash: string | undefined, keys: Keys): object {
  return { ...(hash === undefined ? {} : { password: hash, chpasswd: { expire: false } }), ...keys };
}

function ownUser(name: string, hash: string | undefined, keys: Keys): object {
  return {
    name,
    shell: '/bin/bash',
    sudo: 'ALL=(ALL) NOPASSWD:ALL',
    ...(hash === undefined ? {} : { lock_passwd: false, passwd: hash }),
    ...keys,
  };
}

/** @returns what is wrong with a user's name for Linux (shadow-utils' rule), as a sentence, or undefined */
export function userNameProblem(name: string): string | undefined {
  if (name === '') return undefined;
  if (name === 'root') return 'root is there already. Leave this empty, or choose another name.';
  return /^[a-z_][a-z0-9_-]{0,31}$/.test(name) ? undefined : 'A user’s name has lower-case letters, digits, hyphens and underscores, 32 at most, and begins with a letter.';
}
