/** What a machine would be without its types: `expand-spec` of one that is there, `expand-vm-spec` of one that is sent. */
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import type { SubresourceRoute } from '../api/definition.ts';
import { ApiError, badRequest, notFound } from '../api/errors.ts';
import { validate } from '../api/schema-checks/validate.ts';
import type { EngineContext } from '../context.ts';
import { subresourceGroup } from '../machines/actions/power.ts';
import { virtualMachines } from '../machines/definitions/virtual-machine.ts';
import { expandTemplate } from './expand.ts';
import { findTypes } from './find.ts';

export function expandRoutes(context: () => EngineContext): SubresourceRoute[] {
  return [
    {
      ...subresourceGroup,
      resource: 'virtualmachines',
      subresource: 'expand-spec',
      method: 'GET',
      handle: ({ namespace, name }) => {
        const vm = context().resources.get(virtualMachines, namespace, name);
        if (!vm) throw notFound(virtualMachines, name);
        return { status: 200, body: expanded(context(), vm) };
      },
    },
    {
      ...subresourceGroup,
      resource: 'expand-vm-spec',
      subresource: '',
      method: 'PUT',
      handle: ({ namespace, body }) => ({ status: 200, body: expanded(context(), machineOf(body, namespace)) }),
    },
  ];
}

function machineOf(body: unknown, namespace: string): VirtualMachine {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('Request with no body, a new name is expected as the request body: send a VirtualMachine');
  const vm = body as VirtualMachine;
  if (vm.kind !== 'VirtualMachine' || vm.apiVersion !== 'kubevirt.io/v1') throw badRequest('Object is not a valid VirtualMachine of kubevirt.io/v1');
  vm.metadata = { ...vm.metadata };
  if (vm.metadata.namespace !== undefined && vm.metadata.namespace !== '' && vm.metadata.namespace !== namespace) {
    throw badRequest(`VM namespace must be empty or ${namespace}`);
  }
  vm.metadata.namespace = namespace;
  const { unknown, causes } = validate(virtualMachines, vm);
  const texts = [...causes.map(({ field, message }) => `${field ?? ''}: ${message ?? ''}`), ...unknown.map((field) => `${field}: there is no such field`)];
  if (texts.length > 0) throw badRequest(`Object is not a valid VirtualMachine: ${texts.join(', ')}`);
  return vm;
}

function expanded({ resources }: EngineContext, vm: VirtualMachine): VirtualMachine {
  const { types, causes } = findTypes(resources, vm);
  const { template, causes: against } = expandTemplate(vm.spec.template, types, 'spec.template.spec');
  const all = [...causes, ...against];
  if (all.length > 0) {
    const text = all.map(({ message }) => message ?? '').join(', ');
    throw new ApiError(400, 'BadRequest', `The machine cannot be expanded: ${text}`, { causes: all });
  }
  const spec = { ...vm.spec, template };
  delete spec.instancetype;
  delete spec.preference;
  return { ...vm, spec };
}
