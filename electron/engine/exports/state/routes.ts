/**
 * `PUT /apis/state.hayloft.io/v1/namespaces/{namespace}/virtualmachines/{name}/persistentstate`, body `{"archive": BASE64}`:
 * what an export's `persistent-state-for-…` volume held comes back. KubeVirt has nothing like it: there, a claim with the
 * label of that name is filled by whoever restores.
 */
import { asHayloftError } from '#shared/contract/hayloft-error.ts';
import { STATE_GROUP } from '#shared/kube/export.ts';
import type { SubresourceRequest, SubresourceRoute } from '../../api/definition.ts';
import { ApiError, badRequest, conflict, notFound } from '../../api/errors.ts';
import { isFinal } from '../../machines/controllers/instance-status.ts';
import { virtualMachineInstances } from '../../machines/definitions/virtual-machine-instance.ts';
import { virtualMachines } from '../../machines/definitions/virtual-machine.ts';
import { expanded } from '../expanded.ts';
import type { ExportParts } from '../routes.ts';
import { unpackState } from './machine-state.ts';

/** @param parts undefined until the module has started */
export const stateRoute = (parts: () => ExportParts | undefined): SubresourceRoute => ({
  group: STATE_GROUP,
  versions: ['v1'],
  resource: 'virtualmachines',
  subresource: 'persistentstate',
  method: 'PUT',
  handle: (request) => {
    const ready = parts();
    if (!ready) throw new ApiError(503, 'ServiceUnavailable', 'The engine is still starting.');
    put(ready, request);
    return { status: 200 };
  },
});

function put({ resources, keptDir, events }: ExportParts, { namespace, name, body }: SubresourceRequest): void {
  const archive = archiveIn(body);
  const machine = resources.get(virtualMachines, namespace, name);
  if (!machine) throw notFound(virtualMachines, name);
  const vmi = resources.get(virtualMachineInstances, namespace, name);
  if (vmi && !isFinal(vmi)) throw conflict(virtualMachines, name, 'VM is running: its firmware and TPM write to their state. Stop it first.');
  try {
    unpackState(keptDir, expanded(resources, machine, namespace), archive);
  } catch (error) {
    const { code, message, hint } = asHayloftError(error);
    if (code !== 'bad-input') throw error;
    throw badRequest(hint === undefined ? message : `${message} ${hint}`);
  }
  events.record(machine, 'Normal', 'StateRestored', 'What its firmware and TPM remember was restored.');
}

function archiveIn(body: unknown): Buffer {
  const { archive, ...others } = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  if (typeof archive !== 'string' ) throw badRequest('archive has to be a tar archive, packed by gzip, in base64');
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw badRequest(`unknown field "${unknown}"`);
  return Buffer.from(archive, 'base64');
}
