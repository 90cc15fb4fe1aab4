/** Gives a guest's users their SSH keys and passwords, by asking its agent. Commands: QEMU's qga/qapi-schema.json. */
import type { GuestAgent } from '../../qemu/agent/types.ts';
import type { WantedAccess } from './wanted.ts';

/**
 * A user's keys are replaced as a whole, so a key that was taken out of the Secret opens nothing any more.
 * @returns what did not work, in KubeVirt's words; undefined when all of it did
 */
export async function giveAccess(agent: GuestAgent, { keys, passwords, missing }: WantedAccess): Promise<string | undefined> {
  const problems = [...missing];
  const attempt = async (what: string, command: string, args: Record<string, unknown>): Promise<void> => {
    try {
      await agent.command(command, args);
    } catch (error) {
      problems.push(`Error encountered ${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const [username, lines] of Object.entries(keys)) {
    const what = `writing ssh pub key access credentials for user [${username}]`;
    await attempt(what, 'guest-ssh-add-authorized-keys', { username, keys: lines, reset: true });
  }
  for (const [username, password] of Object.entries(passwords)) {
    const coded = Buffer.from(password, 'utf8').toString('base64');
    await attempt(`setting password for user [${username}]`, 'guest-set-user-password', { username, password: coded, crypted: false });
  }
  return problems.length === 0 ? undefined : problems.join('; ');
}
