import { describe, expect, it } from 'vitest';
import {
  findPackageManager,
  installCommandText,
  missingNeeds,
  packagesFor,
  runningNeeds,
  type HostProbe,
} from './packages.ts';

function host(commands: string[], options: Partial<HostProbe> = {}): HostProbe {
  return {
    platform: 'linux',
    arch: 'x64',
    hasCommand: (name) => commands.includes(name),
    hasFile: () => false,
    ...options,
  };
}

describe('what a computer lacks for running machines', () => {
  it('is nothing where QEMU and its tools are', () => {
    expect(missingNeeds(runningNeeds, host(['qemu-system-x86_64', 'qemu-img']))).toEqual([]);
  });

  it('is the QEMU that runs x86 guests, on every architecture', () => {
    const missing = missingNeeds(runningNeeds, host(['qemu-system-aarch64', 'qemu-img'], { arch: 'arm64' }));
    expect(packagesFor('apt', missing)).toEqual(['qemu-system-x86']);
  });

  it.each([
    ['apt-get', 'linux', false, 'sudo apt-get install -y --no-install-recommends qemu-system-x86 qemu-utils'],
    ['apt-get', 'linux', true, 'apt-get install -y --no-install-recommends qemu-system-x86 qemu-utils'],
    ['dnf', 'linux', false, 'sudo dnf install -y qemu-system-x86-core qemu-img'],
    ['zypper', 'linux', false, 'sudo zypper --non-interactive install qemu-x86 qemu-img'],
    ['pacman', 'linux', false, 'sudo pacman -S --needed --noconfirm qemu-system-x86 qemu-img'],
    ['brew', 'darwin', false, 'brew install qemu'],
    ['winget', 'win32', false, 'winget install --exact --id SoftwareFreedomConservancy.QEMU'],
  ] as const)('is installed with %s', (command, platform, isRoot, text) => {
    const computer = host([command], { platform });
    const manager = findPackageManager(computer);
    expect(manager && installCommandText(manager, packagesFor(manager, missingNeeds(runningNeeds, computer)), isRoot)).toBe(
      text,
    );
  });

  it('has no command where no package manager is known', () => {
    expect(findPackageManager(host([]))).toBeUndefined();
    expect(findPackageManager(host(['brew']))).toBeUndefined();
  });
});
