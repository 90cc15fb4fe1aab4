/** What an instance's status tells of its guest's agent, in KubeVirt's words. Pure. */
import type { VirtualMachineInstance, VmiInterfaceStatus } from '#shared/kube/kubevirt.ts';
import { setCondition } from '../guests.ts';
import type { AgentFacts } from './facts.ts';
import type { GuestInterface } from './questions.ts';

type Status = NonNullable<VirtualMachineInstance['status']>;

/**
 * Adds what the agent said to what QEMU said.
 * @param frozen whether it holds the file systems still
 * @param facts undefined when no agent is connected: what an earlier one said is then taken back
 */
export function describeAgent(status: Status, facts: AgentFacts | undefined, now: string, frozen = false): void {
  status.conditions = setCondition(status.conditions ?? [], 'AgentConnected', facts && { status: 'True' }, now);
  status.guestOSInfo = facts?.system ?? {};
  if (frozen) status.fsFreezeStatus = 'frozen';
  else delete status.fsFreezeStatus;
  if (facts) status.interfaces = mergeInterfaces(status.interfaces ?? [], facts.interfaces);
}

/** Cards are told apart by their addresses. What the guest made by itself (bridges, tunnels) comes after them, without a name. */
function mergeInterfaces(known: readonly VmiInterfaceStatus[], seen: readonly GuestInterface[]): VmiInterfaceStatus[] {
  const cards = new Map<string, GuestInterface>();
  for (const card of seen) {
    // A bridge takes the address of the card in it: the one that has an IP address tells more.
    if ((cards.get(card.mac)?.addresses.length ?? 0) === 0) cards.set(card.mac, card);
  }
  const merged = known.map((item) => {
    const card = cards.get(item.mac ?? '');
    return card ? { ...item, ...described(card), infoSource: 'domain, guest-agent' } : item;
  });
  const used = new Set(known.map(({ mac }) => cards.get(mac ?? '')));
  const others = seen.filter((card) => !used.has(card)).map((card) => ({ mac: card.mac, ...described(card), infoSource: 'guest-agent' }));
  return [...merged, ...others];
}

function described({ name, addresses }: GuestInterface): VmiInterfaceStatus {
  const [ipAddress] = addresses;
  return { interfaceName: name, ...(ipAddress === undefined ? {} : { ipAddress, ipAddresses: addresses }) };
}
