/**
 * What a guest does, asked of its process, its QEMU, its network devices and its agent.
 *
 * QEMU counts nothing for a network of its own (`-netdev user`): what passes there is told by the guest's agent, where one
 * answers, and by nobody else. Devices of this computer are counted by its kernel.
 */
import { existsSync } from 'node:fs';
import type { VirtualMachineInstance } from '#shared/kube/kubevirt.ts';
import { linkDevice } from '../../networks/attachments/host-links.ts';
import { BALLOON_ID } from '../../qemu/argv/argv.ts';
import { macAddress } from '../../qemu/argv/networks.ts';
import type { Guest } from '../../qemu/types.ts';
import { parseAgentCards, parseBalloon, parseBlockStats, parseThreads, type BalloonFigures, type CardFigures, type DiskFigures } from './guest-answers.ts';
import { readProcess, readThread, textOf, type ProcessFigures, type ThreadFigures } from './process.ts';

/** A guest that stands still must not hold up the others. */
const answerMs = 3000;
/** How often the guest's driver is asked for its memory, in seconds; KubeVirt's own default. */
export const BALLOON_SECONDS = 10;

export interface GuestFigures {
  /** `performance.now()`. */
  at: number;
  process: ProcessFigures | undefined;
  disks: ReadonlyMap<string, DiskFigures> | undefined;
  balloon: BalloonFigures | undefined;
  /** By interface name; interfaces of which nobody knows are not in it. */
  cards: ReadonlyMap<string, CardFigures>;
}

export async function readGuest(guest: Guest, vmi: VirtualMachineInstance): Promise<GuestFigures> {
  const at = performance.now();
  const [disks, balloon, told] = await Promise.all([
    within(guest.monitor.command('query-blockstats').then(parseBlockStats)),
    hasBalloon(vmi) ? within(guest.monitor.command('qom-get', { ...balloon0, property: 'guest-stats' }).then((answer) => parseBalloon(answer, Date.now() / 1000))) : undefined,
    needsAgent(vmi) && guest.agent.connected ? within(guest.agent.command('guest-network-get-interfaces', undefined, answerMs).then(parseAgentCards)) : undefined,
  ]);
  const cards = new Map<string, CardFigures>();
  for (const item of vmi.spec.domain.devices.interfaces ?? []) {
    const figures = isOnHost(vmi, item.name) ? readCard(linkDevice(guest.uid, item.name)) : told?.get(macAddress(vmi, item));
    if (figures) cards.set(item.name, figures);
  }
  return { at, process: readProcess(guest.pid), disks, balloon, cards };
}

/** Has the guest's driver tell of its memory now and then, from here on. Guests that older engines started cannot. */
export async function askForMemory(guest: Guest, vmi: VirtualMachineInstance): Promise<void> {
  if (!hasBalloon(vmi)) return;
  await within(guest.monitor.command('qom-set', { ...balloon0, property: 'guest-stats-polling-interval', value: BALLOON_SECONDS }));
}

/** What is asked only when somebody wants all figures: bytes in the balloon's hands, and each virtual processor's time. */
export async function readMore(guest: Guest): Promise<{ balloonBytes: number | undefined; processors: (ThreadFigures | undefined)[] }> {
  const [balloon, threads] = await Promise.all([
    within(guest.monitor.command('query-balloon')),
    within(guest.monitor.command('query-cpus-fast').then(parseThreads)),
  ]);
  return {
    balloonBytes: (balloon as { actual?: number } | undefined)?.actual,
    processors: (threads ?? []).map((tid) => readThread(guest.pid, tid)),
  };
}

const balloon0 = { path: `/machine/peripheral/${BALLOON_ID}` };
const hasBalloon = ({ spec }: VirtualMachineInstance): boolean => spec.domain.devices.autoattachMemBalloon !== false;

/** On a bridge or a card of this computer, rather than on a network of QEMU's own. */
const isOnHost = ({ spec }: VirtualMachineInstance, name: string): boolean => spec.networks?.some((network) => network.name === name && network.multus !== undefined) ?? false;

/** Interfaces whose traffic only the guest itself can tell. */
export const onOwnNetwork = (vmi: VirtualMachineInstance): string[] =>
  (vmi.spec.domain.devices.interfaces ?? []).map(({ name }) => name).filter((name) => !isOnHost(vmi, name));

const needsAgent = (vmi: VirtualMachineInstance): boolean => onOwnNetwork(vmi).length > 0;

/** A tap sends what the guest receives. A macvtap is the guest's card itself, and counts as the guest does. */
function readCard(device: string): CardFigures | undefined {
  const folder = `/sys/class/net/${device}`;
  const [received, sent] = existsSync(`${folder}/tun_flags`) ? ['tx', 'rx'] : ['rx', 'tx'];
  const of = (way: string, name: string): number => Number(textOf(`${folder}/statistics/${way}_${name}`));
  const figures = {
    receivedBytes: of(received, 'bytes'),
    sentBytes: of(sent, 'bytes'),
    receivedPackets: of(received, 'packets'),
    sentPackets: of(sent, 'packets'),
    receiveErrors: of(received, 'errors'),
    sendErrors: of(sent, 'errors'),
    receiveDrops: of(received, 'dropped'),
    sendDrops: of(sent, 'dropped'),
  };
  return Number.isNaN(figures.receivedBytes) ? undefined : figures;
}

/** Undefined for what was refused, or took too long: the figure is then not known this time. */
async function within<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), answerMs)));
  try {
    return await Promise.race([answer.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
