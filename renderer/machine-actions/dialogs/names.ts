/** Names that dialogs begin with. */
import { uniqueName } from '#shared/kube/names.ts';

/** The machine's name with the local time, so that a list of them sorts by itself. */
export function snapshotName(machine: string, at: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const time = `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
  return uniqueName(`${machine.slice(0, 40)}-${day}-${time}`, []);
}

/** @param taken names of the machines there are */
export function cloneName(machine: string, taken: Iterable<string>): string {
  return uniqueName(`${machine}-copy`, taken);
}
