/** A machine with its instancetype and preference filled in. */
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';
import { ApiError } from '../api/errors.ts';
import { expandTemplate } from '../instancetypes/expand.ts';
import { findTypes } from '../instancetypes/find.ts';
import type { Resources } from '../store/resources.ts';

/** Instancetypes may be others, or none, where it goes. @throws ApiError 400 where they are not there any more */
export function expanded(resources: Resources, machine: Pick<VirtualMachine, 'metadata' | 'spec'>, namespace = 'default'): Pick<VirtualMachine, 'metadata' | 'spec'> {
  const whole: VirtualMachine = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachine', ...machine, metadata: { ...machine.metadata, namespace } };
  const { types, causes } = findTypes(resources, whole);
  const { template, causes: against } = expandTemplate(machine.spec.template, types, 'spec.template.spec');
  const [problem] = [...causes, ...against];
  if (problem) throw new ApiError(400, 'BadRequest', `The machine cannot be expanded: ${problem.message ?? ''}`);
  const spec = { ...machine.spec, template };
  delete spec.instancetype;
  delete spec.preference;
  return { metadata: machine.metadata, spec };
}
