/** What a guest is likely to call its disks, as libvirt guesses it for KubeVirt. Pure. */
import type { Disk } from '#shared/kube/kubevirt.ts';
import { busOf } from '../../qemu/argv/disks.ts';

/**
 * `vda`, `sda`… in the order of the disks, CD drives among them; a disk that had a name keeps it.
 * @param before the names given so far, by disk name
 */
export function targetsOf(disks: readonly Disk[], before: ReadonlyMap<string, string>): Map<string, string> {
  const taken = new Set(disks.map(({ name }) => before.get(name)));
  const free = { vd: letters('vd', taken), sd: letters('sd', taken) };
  return new Map(
    disks.map((disk) => [disk.name, before.get(disk.name) ?? free[busOf(disk) === 'virtio' ? 'vd' : 'sd'].next().value ?? '']),
  );
}

function* letters(prefix: string, taken: ReadonlySet<string | undefined>): Generator<string, undefined> {
  for (let index = 0; ; index++) {
    const name = prefix + suffix(index);
    if (!taken.has(name)) yield name;
  }
}

/** a … z, aa, ab … */
const suffix = (index: number): string =>
  (index < 26 ? '' : suffix(Math.floor(index / 26) - 1)) + String.fromCharCode('a'.charCodeAt(0) + (index % 26));
