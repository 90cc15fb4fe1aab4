/** The answers of the form for a new machine, and what is wrong with them. */
import type { Image } from '#shared/contract/images.ts';
import type { NewMachine, NewMachineDefaults } from '#shared/contract/machines.ts';
import { formatBytes, plural } from '#shared/format/units.ts';
import { nameProblem } from '#shared/kube/names.ts';

export const gib = 2 ** 30;
const mib = 2 ** 20;
const leastMemoryBytes = 64 * mib;

/** Null or undefined where a field of numbers holds none. */
type Amount = number | null | undefined;

export interface Answers {
  /** The image to boot; `empty` for none. */
  source: Image | 'empty' | undefined;
  name: string;
  description: string;
  cores: Amount;
  memoryGib: Amount;
  diskGib: Amount;
  firmware: NewMachine['firmware'];
  diskBus: NewMachine['diskBus'];
  network: NewMachine['network'];
  networkModel: NewMachine['networkModel'];
  start: boolean;
}

/** Named as in the contract, as errors of the backend name them. */
export type FieldName = 'source' | 'cores' | 'memoryBytes' | 'diskBytes' | 'name' | 'firmware' | 'diskBus' | 'network' | 'networkModel' | 'description';
export type Problems = Partial<Record<FieldName, string>>;

/** What keeps a machine from being created, by field. */
export function problemsOf(answers: Answers, defaults: NewMachineDefaults | undefined): Problems {
  const found: [FieldName, string | undefined][] = [
    ['source', sourceProblem(answers.source)],
    ['cores', coresProblem(answers.cores, defaults)],
    ['memoryBytes', memoryProblem(answers.memoryGib, defaults)],
    ['diskBytes', isPositive(answers.diskGib) ? undefined : 'A disk needs a size, such as 20.'],
    ['name', machineNameProblem(answers.name, defaults)],
  ];
  return Object.fromEntries(found.filter(([, problem]) => problem !== undefined));
}

/** Disks grow as they fill, so one larger than what is free is only worth a word. */
export function diskWarning(diskGib: Amount, defaults: NewMachineDefaults | undefined): string | undefined {
  const free = defaults?.limits.diskFreeBytes;
  if (free === undefined || !isPositive(diskGib) || diskGib * gib <= free) return undefined;
  return `Only ${formatBytes(free)} are free. It grows as it fills.`;
}

/** @param answers without problems */
export function machineOf(answers: Answers, clusterId: string, namespace: string): NewMachine {
  const { source, description } = answers;
  return {
    clusterId,
    namespace,
    name: answers.name,
    ...(description.trim() === '' ? {} : { description: description.trim() }),
    source: source === 'empty' || source === undefined ? { kind: 'empty' } : { kind: source.kind, image: source.name },
    cores: answers.cores ?? 0,
    memoryBytes: wholeMebibytes(answers.memoryGib),
    diskBytes: wholeMebibytes(answers.diskGib),
    firmware: answers.firmware,
    diskBus: answers.diskBus,
    network: answers.network,
    networkModel: answers.networkModel,
    start: answers.start,
  };
}

function sourceProblem(source: Answers['source']): string | undefined {
  if (source === undefined) return 'Choose what it boots.';
  return source === 'empty' || source.state === 'ready' ? undefined : 'This image is not ready yet.';
}

function coresProblem(cores: Amount, defaults: NewMachineDefaults | undefined): string | undefined {
  if (!isPositive(cores) || !Number.isInteger(cores)) return 'A whole number of cores is needed, such as 2.';
  if (defaults && cores > defaults.limits.cores) return `This computer has ${plural(defaults.limits.cores, 'core')}.`;
  return undefined;
}

function memoryProblem(memoryGib: Amount, defaults: NewMachineDefaults | undefined): string | undefined {
  if (!isPositive(memoryGib)) return 'An amount of memory is needed, such as 2.';
  if (memoryGib * gib < leastMemoryBytes) return `A machine needs ${formatBytes(leastMemoryBytes)} at least.`;
  if (defaults && memoryGib * gib > defaults.limits.memoryBytes) return `This computer has ${formatBytes(defaults.limits.memoryBytes)}.`;
  return undefined;
}

function machineNameProblem(name: string, defaults: NewMachineDefaults | undefined): string | undefined {
  return nameProblem(name) ?? (defaults?.takenNames.includes(name) ? `There is a machine called “${name}” already.` : undefined);
}

const isPositive = (amount: Amount): amount is number => typeof amount === 'number' && Number.isFinite(amount) && amount > 0;
const wholeMebibytes = (amount: Amount): number => Math.round(((amount ?? 0) * gib) / mib) * mib;
