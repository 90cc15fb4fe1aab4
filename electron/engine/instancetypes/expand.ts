/** A machine's template with its instancetype and preference in it. Pure. */
import type { InstancetypeSpec, PreferenceSpec } from '#shared/kube/instancetype.ts';
import type { ObjectMeta, StatusCause } from '#shared/kube/object.ts';
import type { VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';
import { parseQuantity } from '#shared/kube/quantities.ts';
import { cpuCount } from '../qemu/argv/cpu.ts';
import { memoryBytes } from '../qemu/argv/argv.ts';
import { applyInstancetype, conflicts, spreadProblem } from './apply-instancetype.ts';
import { applyPreference } from './apply-preference.ts';
import type { MachineTypes } from './find.ts';

export interface Template {
  metadata?: ObjectMeta;
  spec: VirtualMachineInstanceSpec;
}

/**
 * @param path of the instance's spec within its object, for the causes
 * @returns a template of its own, and what speaks against it; with causes the template is not to be used
 */
export function expandTemplate(template: Template, types: MachineTypes, path: string): { template: Template; causes: StatusCause[] } {
  const { instancetype, preference } = types;
  const expanded = structuredClone(template);
  const { spec } = expanded;
  const causes = instancetype ? conflicts(spec.domain, instancetype, path) : [];
  const unspreadable = instancetype && spreadProblem(instancetype.cpu.guest, preference);
  if (unspreadable) causes.push(unspreadable);
  if (causes.length > 0) return { template: expanded, causes };
  if (instancetype) applyInstancetype(spec.domain, instancetype, preference);
  if (preference) {
    applyPreference(spec, preference);
    causes.push(...checkRequirements(spec, instancetype, preference, path));
  }
  // Preferences give way to the template, the instancetype does not; KubeVirt has it so.
  const annotations = { ...preference?.annotations, ...expanded.metadata?.annotations, ...instancetype?.annotations };
  for (const [name, value] of Object.entries(instancetype?.annotations ?? {})) {
    const own = template.metadata?.annotations?.[name];
    if (own === undefined || own === value) continue;
    const field = `annotations.${name}`;
    causes.push({ reason: 'FieldValueInvalid', field, message: `VM field(s) ${field} conflicts with selected instance type` });
  }
  if (Object.keys(annotations).length > 0) expanded.metadata = { ...expanded.metadata, annotations };
  return { template: expanded, causes };
}

/** What an operating system needs at least. KubeVirt: pkg/instancetype/preference/requirements. */
function checkRequirements(spec: VirtualMachineInstanceSpec, instancetype: InstancetypeSpec | undefined, { requirements }: PreferenceSpec, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  const giver = instancetype ? 'instance type' : 'VirtualMachine';
  const processors = cpuCount(spec.domain);
  const needed = requirements?.cpu?.guest ?? 0;
  if (processors < needed) {
    const message = `insufficient CPU resources of ${processors} vCPU provided by ${giver}, preference requires ${needed} vCPU`;
    causes.push({ reason: 'FieldValueInvalid', field: instancetype ? 'spec.instancetype' : `${path}.domain.cpu`, message });
  }
  const least = requirements?.memory?.guest;
  if (memoryBytes(spec.domain) < (parseQuantity(least) ?? 0)) {
    const has = spec.domain.memory?.guest ?? String(memoryBytes(spec.domain));
    const message = `insufficient Memory resources of ${has} provided by ${giver}, preference requires ${least ?? ''}`;
    causes.push({ reason: 'FieldValueInvalid', field: instancetype ? 'spec.instancetype' : `${path}.domain.memory`, message });
  }
  return causes;
}
