/** The answers of the form for a new machine, and what is wrong with them. */
import { userDataProblem } from '#shared/cloud-init/check.ts';
import { renderUserData, userNameProblem } from '#shared/cloud-init/user-data.ts';
import type { Image } from '#shared/contract/images.ts';
import type { CloudInitAnswers } from '#shared/contract/machine-templates.ts';
import type { MachineRequest, NewMachine, NewMachineDefaults, OfferedType, Offers } from '#shared/contract/new-machine.ts';
import { formatBytes, plural } from '#shared/format/units.ts';
import { nameProblem } from '#shared/kube/names.ts';
import { cardsOf, networksProblem, type CardAnswers } from './network-answers.ts';

export const gib = 2 ** 30;
const mib = 2 ** 20;
const leastMemoryBytes = 64 * mib;

/** Null or undefined where a field of numbers holds none. */
export type Amount = number | null | undefined;

export type Source =
  | { kind: 'image'; image: Image }
  | { kind: 'empty' }
  | { kind: 'volume'; volume: Offers['volumes']['items'][number] }
  | { kind: 'snapshot'; snapshot: Offers['snapshots']['items'][number] };

export interface CloudInit {
  on: boolean;
  form: CloudInitAnswers;
  /** What was written by hand, in place of the form's; undefined while the form decides. */
  text: string | undefined;
}

export interface Answers {
  source: Source | undefined;
  name: string;
  description: string;
  /** Whether its size is written, or that of a type. */
  sizing: 'own' | 'type';
  cores: Amount;
  memoryGib: Amount;
  type: OfferedType | undefined;
  /** Empty: none. */
  preference: string;
  diskGib: Amount;
  /** Empty: the cluster's default. */
  storageClass: string;
  firmware: NewMachine['firmware'];
  tpm: boolean;
  diskBus: NewMachine['diskBus'];
  cards: CardAnswers[];
  runStrategy: NewMachine['runStrategy'];
  cloudInit: CloudInit;
}

/** Named as in the contract, as errors of the backend name them. */
export type FieldName = Exclude<keyof NewMachine, 'clusterId' | 'namespace'>;
export type Problems = Partial<Record<FieldName, string>>;

/** What keeps a machine from being created, by field, in words for this computer or for a cluster elsewhere. */
export function problemsOf(answers: Answers, defaults: NewMachineDefaults | undefined, thisComputer = false): Problems {
  const source = sourceProblem(answers.source);
  const name = machineNameProblem(answers.name, defaults);
  const found: [FieldName, string | undefined][] =
    answers.source?.kind === 'snapshot'
      ? [['source', source], ['name', name]]
      : [
          ['source', source],
          ...sizeProblems(answers, defaults, hostWords(thisComputer)),
          ['diskBytes', answers.source?.kind === 'volume' || isPositive(answers.diskGib) ? undefined : 'A disk needs a size, such as 20.'],
          ['name', name],
          ['userData', cloudInitProblem(answers)],
          ['networks', networksProblem(answers.cards)],
        ];
  return Object.fromEntries(found.filter(([, problem]) => problem !== undefined));
}

/** Disks grow as they fill, so one larger than what is free is only worth a word. */
export function diskWarning(diskGib: Amount, defaults: NewMachineDefaults | undefined): string | undefined {
  const free = defaults?.limits?.diskFreeBytes;
  if (free === undefined || !isPositive(diskGib) || diskGib * gib <= free) return undefined;
  return `Only ${formatBytes(free)} are free. It grows as it fills.`;
}

/** cloud-init's user-data as it would be sent; undefined without cloud-init. */
export function userDataOf({ cloudInit, name }: Answers): string | undefined {
  if (!cloudInit.on) return undefined;
  return cloudInit.text ?? renderUserData(cloudInit.form, name);
}

/** @param answers without problems */
export function requestOf(answers: Answers, clusterId: string, namespace: string): MachineRequest {
  const { source, name } = answers;
  if (source?.kind === 'snapshot') return { make: 'copy', clusterId, namespace, name, snapshot: source.snapshot.name };
  return machineOf(answers, clusterId, namespace);
}

/** @param answers without problems, and not those for a copy of a snapshot */
export function machineOf(answers: Answers, clusterId: string, namespace: string): NewMachine {
  const { description, preference, storageClass, name } = answers;
  const { cores, memoryBytes, instancetype } = sizeOf(answers);
  const userData = userDataOf(answers);
  const made = answers.source?.kind !== 'volume';
  return {
    make: 'new',
    ...{ clusterId, namespace, name },
    ...(description.trim() === '' ? {} : { description: description.trim() }),
    source: sourceOf(answers.source),
    ...{ cores, memoryBytes },
    ...(instancetype === undefined ? {} : { instancetype }),
    ...(preference === '' ? {} : { preference }),
    diskBytes: answers.source?.kind === 'volume' ? (answers.source.volume.sizeBytes ?? mib) : wholeMebibytes(answers.diskGib),
    ...(storageClass === '' || !made ? {} : { storageClass }),
    firmware: answers.firmware,
    tpm: answers.tpm,
    diskBus: answers.diskBus,
    networks: cardsOf(answers.cards),
    runStrategy: answers.runStrategy,
    ...(userData === undefined ? {} : { userData }),
  };
}

function sizeOf({ sizing, type, cores, memoryGib }: Answers): Pick<NewMachine, 'cores' | 'memoryBytes' | 'instancetype'> {
  if (sizing === 'type' && type) return { cores: type.cores, memoryBytes: type.memoryBytes, instancetype: type.name };
  return { cores: cores ?? 0, memoryBytes: wholeMebibytes(memoryGib) };
}

function sourceOf(source: Source | undefined): NewMachine['source'] {
  switch (source?.kind) {
    case 'image':
      return { kind: source.image.kind, image: source.image.name };
    case 'volume':
      return { kind: 'volume', claim: source.volume.claim };
    default:
      return { kind: 'empty' };
  }
}

function sourceProblem(source: Source | undefined): string | undefined {
  switch (source?.kind) {
    case undefined:
      return 'Choose what it boots.';
    case 'image':
      return source.image.state === 'ready' ? undefined : 'This image is not ready yet.';
    case 'volume':
      return source.volume.usedBy.length === 0 ? undefined : `In use by ${source.volume.usedBy.join(', ')}.`;
    case 'snapshot':
      return source.snapshot.notReady;
    case 'empty':
      return undefined;
  }
}

/** The limits are the largest node's; elsewhere than here there may be several. */
const hostWords = (thisComputer: boolean): string => (thisComputer ? 'This computer has' : 'The largest node has');

function sizeProblems(answers: Answers, defaults: NewMachineDefaults | undefined, has: string): [FieldName, string | undefined][] {
  if (answers.sizing === 'type') return [['instancetype', typeProblem(answers.type, defaults, has)]];
  return [
    ['cores', coresProblem(answers.cores, defaults, has)],
    ['memoryBytes', memoryProblem(answers.memoryGib, defaults, has)],
  ];
}

function typeProblem(type: OfferedType | undefined, defaults: NewMachineDefaults | undefined, has: string): string | undefined {
  if (!type) return 'Choose a type.';
  return coresProblem(type.cores, defaults, has) ?? memoryProblem(type.memoryBytes / gib, defaults, has);
}

function coresProblem(cores: Amount, defaults: NewMachineDefaults | undefined, has: string): string | undefined {
  if (!isPositive(cores) || !Number.isInteger(cores)) return 'A whole number of cores is needed, such as 2.';
  const most = defaults?.limits?.cores;
  if (most !== undefined && cores > most) return `${has} ${plural(most, 'core')}.`;
  return undefined;
}

function memoryProblem(memoryGib: Amount, defaults: NewMachineDefaults | undefined, has: string): string | undefined {
  if (!isPositive(memoryGib)) return 'An amount of memory is needed, such as 2.';
  if (memoryGib * gib < leastMemoryBytes) return `A machine needs ${formatBytes(leastMemoryBytes)} at least.`;
  const most = defaults?.limits?.memoryBytes;
  if (most !== undefined && memoryGib * gib > most) return `${has} ${formatBytes(most)}.`;
  return undefined;
}

function cloudInitProblem(answers: Answers): string | undefined {
  const { on, text, form } = answers.cloudInit;
  if (!on) return undefined;
  const wrong = text === undefined ? userNameProblem(form.user) ?? hostNameProblem(form.hostname) : undefined;
  return wrong ?? userDataProblem(userDataOf(answers) ?? '');
}

/** @returns what is wrong with the name of a guest (RFC 1123), as a sentence, or undefined */
export const hostNameProblem = (name: string): string | undefined =>
  name === '' || /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(name)
    ? undefined
    : 'A host’s name has letters, digits and hyphens, and perhaps dots between its parts.';

function machineNameProblem(name: string, defaults: NewMachineDefaults | undefined): string | undefined {
  return nameProblem(name) ?? (defaults?.takenNames.includes(name) ? `There is a machine called “${name}” already.` : undefined);
}

const isPositive = (amount: Amount): amount is number => typeof amount === 'number' && Number.isFinite(amount) && amount > 0;
const wholeMebibytes = (amount: Amount): number => Math.round(((amount ?? 0) * gib) / mib) * mib;
