/** What the Node says of how guests run on it. */
import type { EngineContext } from '../context.ts';
import { nodes } from '../core/node.ts';
import { findUefiFirmware } from '../qemu/firmware/uefi.ts';
import type { Hypervisor } from '../qemu/types.ts';

/** While there is no QEMU it is looked for again: it may be installed meanwhile. */
const lookAgainMs = 10_000;

/** Finds out and notes it on the Node; returns a function that stops looking. */
export function noteAcceleration(context: EngineContext, hypervisor: Hypervisor): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    const { accelerator, reason, qemuVersion } = await hypervisor.acceleration();
    if (stopped) return;
    context.resources.change(nodes, undefined, context.nodeName, (draft) => {
      const labels = (draft.metadata.labels ??= {});
      const notes = (draft.metadata.annotations ??= {});
      notes['hayloft.io/acceleration'] = accelerator;
      notes['hayloft.io/uefi'] = String(findUefiFirmware() !== undefined);
      if (reason === undefined) delete notes['hayloft.io/acceleration-reason'];
      else notes['hayloft.io/acceleration-reason'] = reason;
      if (qemuVersion !== undefined) notes['hayloft.io/qemu-version'] = qemuVersion;
      labels['kubevirt.io/schedulable'] = String(accelerator !== 'none');
    });
    if (accelerator === 'none') timer = setTimeout(begin, lookAgainMs).unref();
  };
  const begin = (): void => {
    look().catch((error: unknown) => context.log.error('It could not be found out how guests run here', { error: String(error) }));
  };
  begin();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
