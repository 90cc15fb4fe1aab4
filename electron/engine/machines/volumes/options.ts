/** Reads the bodies of addvolume and removevolume. */
import { badRequest, invalid } from '../../api/errors.ts';
import { array, object, string, type ObjectSchema } from '../../api/schema.ts';
import { validate } from '../../api/schema-checks/validate.ts';
import type { KubeObject } from '#shared/kube/object.ts';
import { diskSchema, volumeSources } from '../definitions/instance-spec.ts';
import { virtualMachines } from '../definitions/virtual-machine.ts';
import type { AddVolumeOptions, RemoveVolumeOptions } from './change.ts';

const dryRun = array(string({ enum: ['All'] }));
const addSchema = object({
  name: string(),
  disk: diskSchema,
  volumeSource: object({ dataVolume: volumeSources.dataVolume, persistentVolumeClaim: volumeSources.persistentVolumeClaim }),
  dryRun,
});
const removeSchema = object({ name: string(), dryRun });

/** @throws ApiError 400 (a part is missing, an unknown field), 422 (a wrong value, by its path) */
export function parseAddVolume(body: unknown): AddVolumeOptions {
  const given = fields(body);
  for (const [key, words] of [['name', 'name to be set'], ['disk', 'disk to not be nil'], ['volumeSource', 'VolumeSource to not be nil']] as const) {
    if (given[key] === undefined || given[key] === null || given[key] === '') throw badRequest(`AddVolumeOptions requires ${words}`);
  }
  // The disk is called as the volume, whatever it says.
  const disk = typeof given['disk'] === 'object' ? { ...given['disk'], name: given['name'] } : given['disk'];
  const options = checked<AddVolumeOptions>(addSchema, { ...given, disk });
  if (options.disk.cdrom) {
    const message = `Hotplug configuration for [${options.name}] requires diskDevice of type 'disk' or 'lun' to be used.`;
    throw invalid(virtualMachines, options.name, [{ reason: 'FieldValueInvalid', field: 'disk.cdrom', message }]);
  }
  const { dataVolume, persistentVolumeClaim } = options.volumeSource;
  if ((dataVolume === undefined) === (persistentVolumeClaim === undefined)) {
    throw badRequest('AddVolumeOptions requires VolumeSource to be one of dataVolume and persistentVolumeClaim');
  }
  return options;
}

/** @throws ApiError 400 */
export function parseRemoveVolume(body: unknown): RemoveVolumeOptions {
  const given = fields(body);
  if (given['name'] === undefined || given['name'] === '') throw badRequest('RemoveVolumeOptions requires name to be set');
  return checked<RemoveVolumeOptions>(removeSchema, given);
}

function fields(body: unknown): Record<string, unknown> {
  if (body === undefined) throw badRequest('Request with no body, a new name is expected as the request body');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('The body must be an object.');
  return { ...body };
}

function checked<T>(schema: ObjectSchema, given: Record<string, unknown>): T {
  const object = structuredClone(given);
  const { unknown, causes } = validate({ ...virtualMachines, schema }, object as unknown as KubeObject);
  if (unknown.length > 0) throw badRequest(`unknown field ${unknown.map((field) => JSON.stringify(field)).join(', ')}`);
  if (causes.length > 0) throw invalid(virtualMachines, typeof given['name'] === 'string' ? given['name'] : '', causes);
  return object as T;
}
