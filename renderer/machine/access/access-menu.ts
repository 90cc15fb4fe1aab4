/** The ways to a machine, as entries of a menu: on its page, and in its row of the list. */
import type { Machine } from '#shared/contract/machines.ts';
import type { MenuItem } from '../../components/menu-item.ts';
import { machineHref, router, type MachineTab } from '../../state/router.svelte.ts';

export function accessItems(machine: Pick<Machine, 'clusterId' | 'namespace' | 'name' | 'status' | 'hasGraphics' | 'hasSerial'>): MenuItem[] {
  const to = (label: string, tab: MachineTab, missing?: string): MenuItem => ({
    label,
    group: 'access',
    reason: missing,
    run: () => router.go(machineHref(machine, tab)),
  });
  return [
    to('Screen', 'console', machine.hasGraphics ? undefined : 'This machine has no screen.'),
    to('Serial line', 'serial', machine.hasSerial ? undefined : 'This machine has no serial line.'),
    to('SSH', 'ssh'),
    to('Open a port…', 'access'),
  ];
}
