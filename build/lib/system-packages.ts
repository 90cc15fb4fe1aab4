/** Installs the system packages that are missing, or says how. */
import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import {
  findPackageManager,
  installCommand,
  installCommandText,
  missingNeeds,
  packagesFor,
  type PackageManager,
  type SystemNeed,
} from '../../shared/host/packages.ts';
import { thisComputer } from '../../shared/host/this-computer.ts';

const isRoot = process.getuid?.() === 0;

export interface PackageOptions {
  /** Install without asking, where that takes no password. */
  yes: boolean;
  /** What cannot be done without the packages, as the end of a sentence: "to run machines on this computer". */
  purpose: string;
}

/**
 * Sees to it that the needs are met: installs what is missing when allowed to (`yes`, with root or passwordless
 * sudo), asks on a terminal, and otherwise names the command.
 * @returns true when nothing is missing any more
 */
export async function ensureSystemPackages(needs: readonly SystemNeed[], options: PackageOptions): Promise<boolean> {
  const missing = missingNeeds(needs, thisComputer);
  if (missing.length === 0) return true;
  const titles = missing.map((need) => need.title).join(', ');
  const manager = findPackageManager(thisComputer);
  const packages = manager ? packagesFor(manager, missing) : [];
  if (!manager || packages.length === 0) {
    console.error(`Missing ${options.purpose}: ${titles}. Install them with this system’s package manager.`);
    return false;
  }
  const command = installCommandText(manager, packages, isRoot);
  const mayInstall = options.yes ? needsNoPassword(manager) : await agrees(titles, command, options.purpose);
  if (mayInstall && install(manager, packages) && missingNeeds(missing, thisComputer).length === 0) return true;
  const left = missingNeeds(missing, thisComputer);
  const leftCommand = installCommandText(manager, packagesFor(manager, left), isRoot);
  console.error(`Missing ${options.purpose}: ${left.map((need) => need.title).join(', ')}. Install them with:\n  ${leftCommand}`);
  return false;
}

function needsNoPassword(manager: PackageManager): boolean {
  if (isRoot || manager === 'brew' || manager === 'winget') return true;
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
}

async function agrees(titles: string, command: string, purpose: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`Missing ${purpose}: ${titles}.\nInstall with "${command}"? [Y/n] `);
    return !/^\s*n/i.test(answer);
  } finally {
    terminal.close();
  }
}

function install(manager: PackageManager, packages: readonly string[]): boolean {
  console.log(`Installing ${packages.join(', ')}…`);
  // A fresh machine has no package lists yet, and stale ones point to versions that are gone.
  if (manager === 'apt') runAsRoot(['apt-get', 'update', '-q']);
  return runAsRoot(installCommand(manager, packages));
}

function runAsRoot(words: readonly string[]): boolean {
  const withSudo = isRoot || words[0] === 'brew' || words[0] === 'winget' ? words : ['sudo', ...words];
  const [command = '', ...rest] = withSudo;
  const result = spawnSync(command, rest, {
    // The installer's own output would end on stdout, which scripts read for the ready line.
    stdio: ['inherit', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return result.status === 0;
}
