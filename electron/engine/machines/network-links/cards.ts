/** Network cards that are plugged into a running guest and out of it: of interfaces with `bridge: {}`, as on KubeVirt. */
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import type { EngineContext } from '../../context.ts';
import type { Attachments } from '../../networks/attachments/attachments.ts';
import { cardId } from '../../qemu/argv/networks.ts';
import { pluggedCards, plugCard, removeNetdev, unplugCard } from '../../qemu/hotplug/cards.ts';
import type { Guest } from '../../qemu/types.ts';
import { comesAndGoes, pluggedNames } from './declared-cards.ts';

export interface CardParts {
  context: EngineContext;
  networks: Attachments;
}

export interface CardsResult {
  /** Names of the interfaces that the guest has; undefined: all. */
  present?: ReadonlySet<string>;
  lookAgainMs?: number;
}

/** A guest that does not let go of a card is asked again; a plug that failed is tried again. */
const againMs = 5000;

const usesCards = (vmi: VirtualMachineInstance): boolean =>
  pluggedNames(vmi).size > 0 || (vmi.spec.domain.devices.interfaces ?? []).some(({ state }) => state === 'absent');

/** What QEMU has is looked at, never remembered; most machines never ask. */
export async function syncCards(parts: CardParts, vmi: VirtualMachineInstance, guest: Guest): Promise<CardsResult> {
  if (!usesCards(vmi)) return {};
  const { context, networks } = parts;
  const { monitor } = guest;
  const cards = await pluggedCards(monitor);
  const interfaces = vmi.spec.domain.devices.interfaces ?? [];
  const came = pluggedNames(vmi);
  const present = new Set(interfaces.filter(({ name }) => cards.has(cardId(name))).map(({ name }) => name));
  let unfinished = false;
  for (const item of interfaces.filter(comesAndGoes)) {
    const { name } = item;
    try {
      if (item.state === 'absent' && came.has(name)) {
        if (present.has(name)) await unplugCard(monitor, name);
        // Its end comes as an event; a guest may not answer at all.
        unfinished ||= present.has(name);
        if (present.has(name)) continue;
        await removeNetdev(monitor, name);
        await networks.detachOne(vmi, name);
      } else if (item.state !== 'absent' && !present.has(name)) {
        await removeNetdev(monitor, name);
        await plugCard(monitor, vmi, item, await networks.attachOne(context.resources, vmi, item));
        present.add(name);
        context.events.record(vmi, 'Normal', 'InterfacePlugged', `The interface ${name} was plugged into the machine.`);
      }
    } catch (error) {
      const { message, hint = '' } = asHayloftError(error);
      context.events.record(vmi, 'Warning', 'InterfacePlugFailed', `${message} ${hint}`.trim());
      unfinished = true;
    }
  }
  return { present, ...(unfinished ? { lookAgainMs: againMs } : {}) };
}
