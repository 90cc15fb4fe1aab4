/** A timer that the guest has to wind up; when it runs out, the guest hangs and something is done about it. */
import type { DomainSpec } from '#shared/kube/kubevirt.ts';

/** `poweroff` ends QEMU at once: the instance has failed then, as on a cluster. */
export function watchdogArguments({ devices }: DomainSpec): string[] {
  const { i6300esb } = devices.watchdog ?? {};
  return i6300esb ? ['-device', 'i6300esb', '-action', `watchdog=${i6300esb.action ?? 'reset'}`] : [];
}
