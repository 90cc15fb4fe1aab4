/** A machine's screen and its serial line. */
import type { StreamHandlers } from '#shared/channel/handlers.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { ObjectRef } from '#shared/contract/machines.ts';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import type { ApiClient } from '../clusters/api-client.ts';
import { AnswerError } from '../clusters/api-errors.ts';
import type { Clusters } from '../clusters/clusters.ts';
import { pathOf, subresourcePath, virtualMachineInstances } from '../clusters/kinds.ts';
import { joinConsole, takenOver } from './console-socket.ts';

export function consoleStreams(clusters: Clusters): Pick<StreamHandlers, 'consoles.vnc' | 'consoles.serial'> {
  return {
    'consoles.vnc': async ({ takeOver, ...ref }, stream, { signal }) => {
      const path = subresourcePath('virtualmachineinstances', ref, takeOver ? 'vnc' : 'vnc?preserveSession=true');
      const client = await clusters.get(ref.clusterId).client(signal);
      try {
        await joinConsole(client, path, stream, signal);
      } catch (error) {
        throw await explained(error, client, ref, takeOver ? 'screen' : 'free screen');
      }
    },
    'consoles.serial': async (ref, stream, { signal }) => {
      const client = await clusters.get(ref.clusterId).client(signal);
      try {
        await joinConsole(client, subresourcePath('virtualmachineinstances', ref, 'console'), stream, signal);
      } catch (error) {
        throw await explained(error, client, ref, 'serial line');
      }
    },
  };
}

/**
 * KubeVirt refuses for several reasons with the same HTTP status (its subresources' vnc.go, console.go): which it was
 * is told by the instance.
 */
async function explained(
  error: unknown,
  client: ApiClient,
  ref: ObjectRef,
  wanted: 'screen' | 'free screen' | 'serial line',
): Promise<unknown> {
  if (!(error instanceof AnswerError) || error.named || error.code === 'unauthorized' || error.code === 'forbidden') return error;
  const path = pathOf(virtualMachineInstances, ref.namespace, ref.name);
  const instance = await client.call<VirtualMachineInstance>('GET', path).catch(() => undefined);
  if (instance?.status?.phase !== 'Running') {
    return new HayloftError('not-running', `${ref.name} is not running.`, {
      hint: 'Start it to see its screen.',
      retryable: true,
      cause: error,
    });
  }
  const { devices } = instance.spec.domain;
  if (wanted === 'serial line') {
    return devices.autoattachSerialConsole === false
      ? new HayloftError('no-serial', `${ref.name} has no serial line.`, { cause: error })
      : error;
  }
  if (devices.autoattachGraphicsDevice === false) {
    return new HayloftError('no-graphics', `${ref.name} has no screen.`, { hint: 'Use its serial console.', cause: error });
  }
  // A viewer who does not want to push another one out gets an internal error from KubeVirt (dialers.go).
  return wanted === 'free screen' && error.httpStatus >= 500 ? takenOver() : error;
}
