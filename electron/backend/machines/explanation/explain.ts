/**
 * Why a machine is not running, in one sentence, and what to do about it: from KubeVirt's printable status, conditions
 * and events. Pure.
 */
import type { PrintableStatus } from '#shared/kube/kubevirt.ts';
import { findCondition, runStrategyOf, statusOf } from '#shared/kube/machine-status.ts';
import { plural } from '#shared/format/units.ts';
import { failedVolume, missingClaim, unboundClaim, unfinishedVolume } from './disks.ts';
import { conditionOf, eventTime, messageOf, newestEvent, sentence, type Evidence } from './evidence.ts';
import { plainScheduling } from './scheduling.ts';

export interface Explanation {
  tone: 'info' | 'warning' | 'bad';
  /** What the matter is. */
  sentence: string;
  /** What to do next. */
  next?: string;
  /** When it is tried again by itself, in milliseconds since the epoch. */
  retryAt?: number;
}

type Explain = (evidence: Evidence) => Explanation | undefined;

const info = (text: string, next?: string): Explanation => ({ tone: 'info', sentence: text, ...(next === undefined ? {} : { next }) });

/** What KubeVirt and the engine say of a machine that simply does not run: true, and no explanation. */
const empty = /^(Guest VM is not reported as running|VMI does not exist|virt-launcher pod .*|The guest ended with a failure\.?)$/i;
const substance = (text: string | undefined): string | undefined => (text === undefined || text === '' || empty.test(text.trim()) ? undefined : text);

const byStatus: Record<PrintableStatus, Explain> = {
  Running: changesWait,
  Migrating: changesWait,
  Paused: paused,
  Stopped: stopped,
  Stopping: () => info('It is shutting down.', 'Force it off if the guest does not react.'),
  Terminating: terminating,
  Provisioning: (evidence) => unfinishedVolume(evidence) ?? info('Its disks are being made.'),
  WaitingForVolumeBinding: (evidence) => unboundClaim(evidence) ?? unfinishedVolume(evidence) ?? info('Its disks wait for their storage.'),
  Starting: starting,
  CrashLoopBackOff: crashing,
  ErrorUnschedulable: unschedulable,
  ErrImagePull: imageMissing,
  ImagePullBackOff: imageMissing,
  ErrorPvcNotFound: missingClaim,
  DataVolumeError: () => ({ tone: 'bad', sentence: 'One of its disks could not be made.', next: 'The events of its disks tell why.' }),
  WaitingForReceiver: () => info('It waits to be sent over from another cluster.'),
  Unknown: unknown,
};

/** @returns undefined when it runs, or is off because somebody wanted it off */
export function explain(evidence: Evidence): Explanation | undefined {
  const status = statusOf(evidence.vm);
  if (status === 'Running' || status === 'Migrating' || status === 'Terminating') return byStatus[status](evidence);
  return failedVolume(evidence) ?? underWay(evidence) ?? (byStatus[status] as Explain | undefined)?.(evidence) ?? failure(evidence);
}

/** Not why it does not run, but what its running instance lacks. */
function changesWait(evidence: Evidence): Explanation | undefined {
  const recovery = conditionOf(evidence, 'ManualRecoveryRequired');
  if (recovery?.status === 'True') return { tone: 'warning', sentence: sentence(recovery.message || 'Its disks are in an unclear state after a migration'), next: 'Follow the cluster’s own description of how to recover it.' };
  const waiting = conditionOf(evidence, 'RestartRequired');
  if (waiting?.status === 'True') return info('It was changed, and the changes wait for its next restart.', 'Restart it when it suits.');
  const keys = conditionOf(evidence, 'AccessCredentialsSynchronized');
  if (keys?.status === 'False') return { tone: 'warning', sentence: sentence(`Its SSH keys or passwords could not be put into the guest: ${keys.message ?? ''}`.replace(/: $/, '')) };
  return undefined;
}

function paused(evidence: Evidence): Explanation {
  const condition = conditionOf(evidence, 'Paused');
  if (condition?.reason === 'PausedIOError') {
    return {
      tone: 'bad',
      sentence: sentence(substance(condition.message)?.replace(/^VMI was paused, low-level IO error detected$/i, '') || 'A disk could not be written, so it was paused to lose nothing'),
      next: 'Free some space on the storage behind its disks, or mend it. Then resume the machine, if it does not go on by itself.',
    };
  }
  if (evidence.vmi?.spec.startStrategy === 'Paused') return info('It was started paused.', 'Resume it to let it boot.');
  return info('It was paused.', 'Resume it to go on.');
}

function terminating({ vm }: Evidence): Explanation {
  const holders = (vm.metadata.finalizers ?? []).filter((name) => !/^(kubevirt\.io|foregroundDeletion|orphan)/.test(name));
  return info('It is being deleted.', holders.length === 0 ? undefined : `Its deletion waits for: ${holders.join(', ')}.`);
}

/** A snapshot or restore keeps a machine from starting. */
function underWay({ vm }: Evidence): Explanation | undefined {
  if (vm.status?.restoreInProgress) return info(`It is being restored (${vm.status.restoreInProgress}).`, 'It can be started when that is done.');
  return undefined;
}

function stopped(evidence: Evidence): Explanation | undefined {
  const { vm, vmi } = evidence;
  const crash = guestCrash(evidence);
  if (crash) return crash;
  const pending = vm.status?.stateChangeRequests?.some(({ action }) => action === 'Start') ?? false;
  if (pending) return info('It is about to start.');
  const strategy = runStrategyOf(vm);
  if (vmi?.status?.phase === 'Succeeded' && (strategy === 'RerunOnFailure' || strategy === 'Once')) {
    return info(`The guest shut itself down, and its run strategy (${strategy}) leaves it off.`, strategy === 'Once' ? 'It is set to run just once.' : 'Start it when it is needed.');
  }
  return undefined;
}

/** How the guest ended, where that was not as it should. */
function guestCrash(evidence: Evidence): Explanation | undefined {
  const { vmi, vm } = evidence;
  const told = findCondition(vm.status?.conditions, 'Failure');
  if (vmi?.status?.phase !== 'Failed' && !(told?.status === 'True' && told.reason === 'FailedStart')) return undefined;
  const last = newestEvent(evidence, ['GuestPanicked', 'Stopped', 'SyncFailed', 'FailedCreate']);
  const began = newestEvent(evidence, ['Started']);
  const event = last?.type === 'Warning' && (began === undefined || eventTime(began) <= eventTime(last)) ? last.message : undefined;
  const why = substance(told?.status === 'True' ? told.message : undefined) ?? substance(vmi?.status?.reason) ?? substance(event);
  const words = why === undefined || /^The VirtualMachineInstance crashed\.?$/i.test(why) ? 'The guest crashed' : `The guest ended with a failure: ${lowerFirst(why)}`;
  return { tone: 'bad', sentence: sentence(words), next: 'Start it again and watch its console or its serial line.' };
}

/** Names keep their capitals. */
const lowerFirst = (text: string): string => (/^(The|A|An|It|Its|No|Cannot|Could) /.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text);

function crashing(evidence: Evidence): Explanation {
  const { consecutiveFailCount: count = 0, retryAfterTimestamp } = evidence.vm.status?.startFailure ?? {};
  const crash = failure(evidence) ?? guestCrash(evidence);
  const times = count > 1 ? `It failed ${plural(count, 'time')} in a row` : 'It failed soon after its start';
  const retryAt = Date.parse(retryAfterTimestamp ?? '');
  return {
    tone: 'bad',
    sentence: crash ? `${times}. ${crash.sentence}` : `${times}.`,
    next: 'Watch its console at the next try, or turn it off to end the trying.',
    ...(Number.isNaN(retryAt) ? {} : { retryAt }),
  };
}

function starting(evidence: Evidence): Explanation | undefined {
  const { vm, vmi } = evidence;
  if (conditionOf(evidence, 'PodScheduled')?.status === 'False') return unschedulable(evidence);
  const failed = failure(evidence);
  if (failed) return failed;
  const mount = newestEvent(evidence, ['FailedMount', 'FailedAttachVolume', 'FailedMapVolume']);
  const began = newestEvent(evidence, ['Started']);
  if (mount?.type === 'Warning' && (began === undefined || eventTime(began) < eventTime(mount))) {
    return { tone: 'warning', sentence: sentence(`A disk cannot be attached to its node: ${mount.message ?? ''}`), next: 'It is tried again. Another machine or node may still hold the disk.' };
  }
  const said = substance(messageOf(evidence, 'Ready', 'False'));
  if (said !== undefined) return info(sentence(said));
  const volume = unfinishedVolume(evidence) ?? unboundClaim(evidence);
  if (volume) return volume;
  const phase = vmi?.status?.phase;
  if (vmi === undefined) return info(vm.status?.created === true ? 'It is about to start.' : 'It starts as soon as it can.');
  if (phase === 'Pending' || phase === '' || phase === undefined) return info('It waits for what it needs to start.');
  if (phase === 'Scheduling') return info('It looks for a node to run on.');
  return info(vmi.status?.nodeName === undefined ? 'It is starting.' : `It is starting on ${vmi.status.nodeName}.`);
}

function unschedulable(evidence: Evidence): Explanation {
  const message = messageOf(evidence, 'PodScheduled', 'False') ?? newestEvent(evidence, ['FailedScheduling'])?.message ?? messageOf(evidence, 'Ready', 'False') ?? '';
  const plain = plainScheduling(message);
  const shortage = /too little memory|too few processors/.test(plain ?? '');
  return {
    tone: 'bad',
    sentence: plain === undefined ? sentence(substance(message) === undefined ? 'No node can run it' : `No node can run it: ${message}`) : `No node can run it: ${plain}.`,
    next: shortage ? 'Stop other machines, give this one less memory or fewer processors, or add a node.' : 'Change what it asks of a node, or make a node fit.',
  };
}

function imageMissing(evidence: Evidence): Explanation {
  const images = (evidence.vm.spec.template.spec.volumes ?? []).flatMap((volume) => (volume as { containerDisk?: { image?: string } }).containerDisk?.image ?? []);
  const why = messageOf(evidence, 'Synchronized', 'False') ?? newestEvent(evidence, ['Failed', 'BackOff', 'ErrImagePull', 'ImagePullBackOff'])?.message;
  const which = images.find((image) => why?.includes(image)) ?? (images.length === 1 ? images[0] : undefined);
  return {
    tone: 'bad',
    sentence: sentence(`${which === undefined ? 'A container image that it needs' : `The container image ${which}`} cannot be fetched${why ? `: ${why}` : ''}`),
    next: 'Check the image’s name and tag, and that the nodes reach its registry. It is tried again by itself.',
  };
}

function unknown({ vmi }: Evidence): Explanation {
  const { nodeName } = vmi?.status ?? {};
  return {
    tone: 'warning',
    sentence: nodeName === undefined ? 'Nobody knows how it stands.' : `Its node ${nodeName} does not answer, so nobody knows how it stands.`,
    next: 'Look whether the node is on and reachable. Do not start the machine elsewhere before that is certain.',
  };
}

/** What the controllers say that they could not do. */
function failure(evidence: Evidence): Explanation | undefined {
  const condition = findCondition(evidence.vm.status?.conditions, 'Failure');
  const said = condition?.status === 'True' ? substance(condition.message) : substance(messageOf(evidence, 'Synchronized', 'False'));
  if (said === undefined) return undefined;
  const quota = /exceeded quota/i.test(said);
  return { tone: 'bad', sentence: sentence(said), ...(quota ? { next: 'Its namespace has used up its quota: stop other machines there, or have the quota raised.' } : {}) };
}
