/** The ways to a machine, as entries of a menu: on its page, and in its row of the list. */
import type { Ability } from '#shared/contract/machine-actions.ts';
import type { Machine } from '#shared/contract/machines.ts';
import { abilities } from '../../machine-actions/abilities.svelte.ts';
import type { MenuItem } from '../../components/menu-item.ts';
import { reach } from '../../state/reach.svelte.ts';
import { machineHref, router, type MachineTab } from '../../state/router.svelte.ts';

export function accessItems(machine: Pick<Machine, 'clusterId' | 'namespace' | 'name' | 'status' | 'hasGraphics' | 'hasSerial'>): MenuItem[] {
  const to = (label: string, tab: MachineTab, missing?: string): MenuItem => ({
    label,
    group: 'access',
    reason: missing,
    run: () => router.go(machineHref(machine, tab)),
  });
  const barred = (ability: Ability): string | undefined => reach.why(machine.clusterId) ?? abilities.missing(machine, ability);
  return [
    to('Screen', 'console', machine.hasGraphics ? barred('screen') : 'This machine has no screen.'),
    to('Serial line', 'serial', machine.hasSerial ? barred('serial') : 'This machine has no serial line.'),
    to('SSH', 'ssh', barred('forward')),
    to('Open a port…', 'access', barred('forward')),
  ];
}
