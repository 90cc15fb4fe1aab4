/** What people see and touch of a guest: its screen and what they point and type with. */
import type { DomainSpec } from '#shared/kube/kubevirt.ts';
import { option } from './options.ts';
import type { GuestPaths } from './paths.ts';

const screens = { vga: 'VGA', virtio: 'virtio-vga', bochs: 'bochs-display', cirrus: 'cirrus-vga', ramfb: 'ramfb' } as const;
const pointers = { usb: 'usb-tablet', virtio: 'virtio-tablet-pci' } as const;
const keyboards = { usb: 'usb-kbd', virtio: 'virtio-keyboard-pci' } as const;

export function screenArguments({ devices }: DomainSpec, paths: GuestPaths): string[] {
  if (devices.autoattachGraphicsDevice === false) return [];
  return [
    ...['-vnc', option(`unix:${paths.vnc.replaceAll(',', ',,')}`, { share: 'force-shared' })],
    ...['-device', screens[devices.video?.type ?? 'vga']],
  ];
}

export function inputArguments({ devices }: DomainSpec): string[] {
  const { inputs = [], autoattachInputDevice, autoattachGraphicsDevice } = devices;
  const asked = inputs.map(({ type, bus = 'usb' }) => ({ driver: (type === 'keyboard' ? keyboards : pointers)[bus], bus }));
  const hasPointer = inputs.some(({ type }) => type === 'tablet');
  // An absolute pointer: the cursor in the guest is where the person's is.
  const wanted = autoattachInputDevice ?? autoattachGraphicsDevice !== false;
  const all = !hasPointer && wanted ? [...asked, { driver: pointers.usb, bus: 'usb' as const }] : asked;
  return all.flatMap(({ driver, bus }) => ['-device', option(driver, { bus: bus === 'usb' ? 'usb0.0' : undefined })]);
}
