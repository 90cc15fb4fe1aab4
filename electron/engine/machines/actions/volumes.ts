/** Disks that are added to machines and instances and removed again, with KubeVirt's codes (pkg/virt-api/rest/volumes.go). */
import type { VirtualMachine, VirtualMachineInstance, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import { badRequest, conflict, invalid, notFound, type ResourceName } from '../../api/errors.ts';
import type { ResourceDefinition, SubresourceRequest, SubresourceResponse, SubresourceRoute } from '../../api/definition.ts';
import { virtualMachineInstances } from '../definitions/virtual-machine-instance.ts';
import {
  addVolume,
  removeVolume,
  whyNotAdd,
  whyNotRemove,
  type AddVolumeOptions,
  type RemoveVolumeOptions,
} from '../volumes/change.ts';
import { parseAddVolume, parseRemoveVolume } from '../volumes/options.ts';
import { findInstance, subresourceGroup, type ActionParts } from './power.ts';

export interface VolumeActionParts extends ActionParts {
  /** Machines with all their checks. */
  machines: ResourceDefinition<VirtualMachine>;
  /** What is wrong with an instance's spec. */
  check: (spec: VirtualMachineInstanceSpec) => StatusCause[];
}

const accepted: SubresourceResponse = { status: 202 };

/** A change of a spec that a request asks for: why it may not be, and how it is made. */
interface SpecChange {
  whyNot(spec: VirtualMachineInstanceSpec): string | undefined;
  make(spec: VirtualMachineInstanceSpec): void;
  dryRun: boolean;
}

const adding = (options: AddVolumeOptions): SpecChange => ({
  whyNot: (spec) => whyNotAdd(spec, options),
  make: (spec) => addVolume(spec, options),
  dryRun: options.dryRun?.[0] === 'All',
});
const removing = (options: RemoveVolumeOptions): SpecChange => ({
  whyNot: (spec) => whyNotRemove(spec, options),
  make: (spec) => removeVolume(spec, options),
  dryRun: options.dryRun?.[0] === 'All',
});

export function volumeRoutes(parts: VolumeActionParts): SubresourceRoute[] {
  const routes = (subresource: string, changeOf: (body: unknown) => SpecChange): SubresourceRoute[] => [
    {
      ...subresourceGroup,
      resource: 'virtualmachines',
      subresource,
      method: 'PUT',
      handle: (request) => onMachine(parts, request, changeOf(request.body)),
    },
    {
      ...subresourceGroup,
      resource: 'virtualmachineinstances',
      subresource,
      method: 'PUT',
      handle: (request) => onInstance(parts, request, changeOf(request.body)),
    },
  ];
  return [
    ...routes('addvolume', (body) => adding(parseAddVolume(body))),
    ...routes('removevolume', (body) => removing(parseRemoveVolume(body))),
  ];
}

/** Persistent: the template changes, and a running instance follows it. */
function onMachine({ context, machines }: VolumeActionParts, request: SubresourceRequest, change: SpecChange): SubresourceResponse {
  const { resources } = context();
  const { namespace, name } = request;
  const vm = resources.get(machines, namespace, name);
  if (!vm) throw notFound(machines, name);
  if (change.dryRun) {
    const next = structuredClone(vm);
    apply(next.spec.template.spec, change, machines, name);
    machines.admit?.({ operation: 'update', object: next, old: vm, warn: () => undefined });
    return accepted;
  }
  resources.change(machines, namespace, name, (draft) => apply(draft.spec.template.spec, change, machines, name));
  return accepted;
}

/** For as long as the instance runs. One that a machine made follows the machine's template: it is changed there. */
function onInstance(parts: VolumeActionParts, request: SubresourceRequest, change: SpecChange): SubresourceResponse {
  const { namespace, name } = request;
  const vmi = findInstance(parts, namespace, name);
  if (vmi.status?.phase !== 'Running') throw conflict(virtualMachineInstances, name, 'VMI is not running');
  if (isOwned(vmi)) {
    throw badRequest(`The instance "${name}" is owned by a VM: add and remove volumes at virtualmachines/${name}`);
  }
  const edit = (spec: VirtualMachineInstanceSpec): void => {
    apply(spec, change, virtualMachineInstances, name);
    const causes = parts.check(spec);
    if (causes.length > 0) throw invalid(virtualMachineInstances, name, causes);
  };
  if (change.dryRun) edit(structuredClone(vmi.spec));
  else parts.context().resources.change(virtualMachineInstances, namespace, name, (draft) => edit(draft.spec));
  return accepted;
}

const isOwned = ({ metadata }: VirtualMachineInstance): boolean =>
  metadata.ownerReferences?.some(({ kind, controller }) => kind === 'VirtualMachine' && controller === true) ?? false;

function apply(spec: VirtualMachineInstanceSpec, change: SpecChange, of: ResourceName, name: string): void {
  const reason = change.whyNot(spec);
  if (reason !== undefined) throw conflict(of, name, reason);
  change.make(spec);
}
