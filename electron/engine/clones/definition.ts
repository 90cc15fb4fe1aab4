import { isDeepStrictEqual } from 'node:util';
import type { VirtualMachineClone } from '#shared/kube/clone.ts';
import type { StatusCause } from '#shared/kube/object.ts';
import type { ResourceDefinition } from '../api/definition.ts';
import { invalid } from '../api/errors.ts';
import { array, map, object, string, time } from '../api/schema.ts';
import { checkReference, conditionsSchema, immutableSpec, reference } from '../snapshots/definitions/parts.ts';

const filters = array(string(), { description: 'Patterns like "my-app/*"; with ! in front, what matches is left out. The last that matches decides.' });
const macAddress = /^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$/;

/** Makes another machine of one, or of a snapshot of one. */
export const virtualMachineClones: ResourceDefinition<VirtualMachineClone> = {
  group: 'clone.kubevirt.io',
  version: 'v1beta1',
  kind: 'VirtualMachineClone',
  plural: 'virtualmachineclones',
  singular: 'virtualmachineclone',
  shortNames: ['vmclone', 'vmclones'],
  categories: ['all'],
  namespaced: true,
  statusSubresource: true,
  schema: object(
    {
      spec: object(
        {
          source: reference('A VirtualMachine of kubevirt.io, or a VirtualMachineSnapshot of snapshot.kubevirt.io.'),
          target: reference('The machine that is made; without it a name is made up.'),
          annotationFilters: filters,
          labelFilters: filters,
          template: object({ annotationFilters: filters, labelFilters: filters }),
          newMacAddresses: map(string(), { description: 'By name of the interface. Without it, addresses are made anew.' }),
          newSMBiosSerial: string(),
          patches: array(string(), { description: 'JSON patch operations on the new machine.' }),
          volumeNamePolicy: string({ enum: ['RandomizeNames', 'PrefixTargetName'] }),
        },
        { required: ['source'] },
      ),
      status: object({
        creationTime: time(),
        phase: string(),
        conditions: conditionsSchema,
        snapshotName: string(),
        restoreName: string(),
        targetName: string(),
      }),
    },
    { required: ['spec'] },
  ),
  columns: [
    { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata.name },
    { name: 'Phase', type: 'string', value: ({ status }) => status?.phase },
    { name: 'SourceVirtualMachine', type: 'string', value: ({ spec }) => spec.source.name },
    { name: 'TargetVirtualMachine', type: 'string', value: ({ status, spec }) => status?.targetName ?? spec.target?.name },
  ],
  admit: ({ object: next, old }) => {
    const { spec } = next;
    const causes: StatusCause[] = checkReference('spec.source', spec.source, ['kubevirt.io/VirtualMachine', 'snapshot.kubevirt.io/VirtualMachineSnapshot']);
    if (spec.target) causes.push(...checkReference('spec.target', spec.target, ['kubevirt.io/VirtualMachine']));
    if (spec.source.kind === spec.target?.kind && spec.source.name === spec.target.name) {
      causes.push(fault('spec.target.name', 'a machine cannot be cloned onto itself'));
    }
    for (const [path, list] of Object.entries({
      'spec.annotationFilters': spec.annotationFilters,
      'spec.labelFilters': spec.labelFilters,
      'spec.template.annotationFilters': spec.template?.annotationFilters,
      'spec.template.labelFilters': spec.template?.labelFilters,
    })) {
      list?.forEach((text, index) => {
        const bare = text.replace(/^!/, '');
        if (bare === '' || bare.includes('!') || bare.indexOf('*') !== bare.lastIndexOf('*') || (bare.includes('*') && !bare.endsWith('*'))) {
          causes.push(fault(`${path}[${index}]`, 'may have one ! in front and one * at the end'));
        }
      });
    }
    for (const [name, address] of Object.entries(spec.newMacAddresses ?? {})) {
      if (!macAddress.test(address)) causes.push(fault(`spec.newMacAddresses[${name}]`, 'must be a MAC address'));
    }
    if (old && !isDeepStrictEqual(old.spec, spec)) causes.push(immutableSpec);
    if (causes.length > 0) throw invalid(virtualMachineClones, next.metadata.name ?? '', causes);
  },
};

const fault = (field: string, message: string): StatusCause => ({ reason: 'FieldValueInvalid', field, message: `Invalid value: ${message}` });
