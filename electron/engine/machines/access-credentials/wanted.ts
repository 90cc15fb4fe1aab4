/** The SSH keys and passwords that a running guest is to have through its agent. KubeVirt's rules: virtwrap/access-credentials. */
import type { Secret } from '#shared/kube/core.ts';
import type { AccessCredential, VirtualMachineInstance } from '#shared/kube/kubevirt.ts';

export interface WantedAccess {
  /** Lines of `authorized_keys` by user: all that the user is to have. */
  keys: Record<string, string[]>;
  /** By user. */
  passwords: Record<string, string>;
  /** What cannot be known, in words. */
  missing: string[];
}

/** Names of the Secrets whose changes a running guest follows. */
export const agentSecretNames = ({ spec }: VirtualMachineInstance): string[] => (spec.accessCredentials ?? []).filter(goesThroughAgent).map(secretNameOf);

export const usesAgentCredentials = ({ spec }: VirtualMachineInstance): boolean => spec.accessCredentials?.some(goesThroughAgent) === true;

const goesThroughAgent = ({ sshPublicKey, userPassword }: AccessCredential): boolean =>
  (sshPublicKey ?? userPassword)?.propagationMethod.qemuGuestAgent !== undefined;

const secretNameOf = ({ sshPublicKey, userPassword }: AccessCredential): string => (sshPublicKey ?? userPassword)?.source.secret?.secretName ?? '';

/** In a Secret with SSH keys each value holds some, a line each; in one with passwords the keys are the users' names. */
export function wantedAccess({ spec }: VirtualMachineInstance, secretOf: (name: string) => Secret | undefined): WantedAccess {
  const wanted: WantedAccess = { keys: {}, passwords: {}, missing: [] };
  for (const credential of (spec.accessCredentials ?? []).filter(goesThroughAgent)) {
    const name = secretNameOf(credential);
    const secret = secretOf(name);
    if (!secret) {
      wanted.missing.push(`The Secret ${name} does not exist.`);
      continue;
    }
    const values = Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8').trim()] as const);
    if (credential.sshPublicKey) {
      const lines = values.flatMap(([, text]) => text.split(/\r?\n/)).map((line) => line.trim()).filter((line) => line !== '');
      for (const user of credential.sshPublicKey.propagationMethod.qemuGuestAgent?.users ?? []) {
        wanted.keys[user] = [...new Set([...(wanted.keys[user] ?? []), ...lines])];
      }
    } else {
      for (const [user, password] of values) if (password !== '') wanted.passwords[user] = password;
    }
  }
  return wanted;
}
