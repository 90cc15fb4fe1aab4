/** What a cluster has against a new machine, as said of the question of the form that it is about. Pure. */
import { HayloftError } from '#shared/contract/errors.ts';
import type { Objection } from '#shared/contract/new-machine.ts';
import type { KubeObject } from '#shared/kube/object.ts';

/** Parts of the API's field paths, the more exact ones first, and the questions that they are answers to. */
const questions: readonly [pattern: RegExp, field: string][] = [
  [/cloudInit|secretRef/, 'userData'],
  [/firmware|bootloader|features|smm/, 'firmware'],
  [/tpm/, 'tpm'],
  [/instancetype/, 'instancetype'],
  [/preference/, 'preference'],
  [/storageClass/, 'storageClass'],
  [/networks|interfaces|spec\.ports/, 'networks'],
  [/dataVolumeTemplates.*\.source\b/, 'source'],
  [/memory/, 'memoryBytes'],
  [/cpu/, 'cores'],
  [/storage/, 'diskBytes'],
  [/runStrategy|running/, 'runStrategy'],
  [/devices\.disks.*bus/, 'diskBus'],
  [/metadata\.name/, 'name'],
];

/** What each kind is about, where no field is named. */
const ofKind: Record<string, string> = { Secret: 'userData', Service: 'networks' };

/** The question for a field of an object, or undefined. */
export function questionOf(object: Pick<KubeObject, 'kind'>, field: string | undefined): string | undefined {
  if (field === 'source') return field;
  const found = field === undefined ? undefined : questions.find(([pattern]) => pattern.test(field))?.[1];
  return found ?? ofKind[object.kind];
}

/** @param object what was refused */
export function refusalOf(error: HayloftError, object: KubeObject): HayloftError {
  const { kind, metadata } = object;
  const name = metadata.name ?? '';
  if (error.code === 'already-exists' && kind === 'VirtualMachine') {
    return new HayloftError('already-exists', `There is a machine called “${name}” already.`, { hint: 'Choose another name.', field: 'name', cause: error });
  }
  if (error.code === 'already-exists') {
    return new HayloftError('already-exists', `There is a ${kind} called “${name}” already.`, {
      hint: 'Choose another name for the machine, or delete what is left of an earlier one.',
      field: 'name',
      cause: error,
    });
  }
  const field = questionOf(object, error.field);
  const message = error.code === 'forbidden' ? `You may not make a ${kind} here.` : error.message;
  return new HayloftError(error.code, message, {
    retryable: error.retryable,
    cause: error,
    ...(field === undefined ? {} : { field }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

export const objectionOf = ({ field, message, hint }: HayloftError): Objection => ({
  ...(field === undefined ? {} : { field }),
  message,
  ...(hint === undefined ? {} : { hint }),
});
