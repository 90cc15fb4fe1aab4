/** What makes a clone another machine than its source: operations of a JSON patch. Pure. */
import type { VirtualMachineClone } from '#shared/kube/clone.ts';
import type { VirtualMachine } from '#shared/kube/kubevirt.ts';

type Filters = readonly string[] | undefined;

/** Without filters everything stays. With some, what none of them names goes, unless all of them only leave things out. */
export function isKept(key: string, filters: Filters): boolean {
  if (filters === undefined || filters.length === 0) return true;
  let kept = filters.every((text) => text.startsWith('!'));
  for (const text of filters) {
    const pattern = text.replace(/^!/, '');
    const matches = pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
    if (matches) kept = !text.startsWith('!');
  }
  return kept;
}

const escape = (text: string): string => text.replaceAll('~', '~0').replaceAll('/', '~1');

function removals(values: Record<string, string> | undefined, filters: Filters, path: string): object[] {
  return Object.keys(values ?? {})
    .filter((key) => !isKept(key, filters))
    .map((key) => ({ op: 'remove', path: `${path}/${escape(key)}` }));
}

/** @returns a text for each operation, as a VirtualMachineRestore takes them */
export function clonePatches({ spec }: VirtualMachineClone, source: Pick<VirtualMachine, 'metadata' | 'spec'>): string[] {
  const { metadata, spec: template } = source.spec.template;
  const { domain } = template;
  const operations: object[] = [
    ...removals(source.metadata.labels, spec.labelFilters, '/metadata/labels'),
    ...removals(source.metadata.annotations, spec.annotationFilters, '/metadata/annotations'),
    ...removals(metadata?.labels, spec.template?.labelFilters, '/spec/template/metadata/labels'),
    ...removals(metadata?.annotations, spec.template?.annotationFilters, '/spec/template/metadata/annotations'),
  ];
  (domain.devices.interfaces ?? []).forEach(({ name, macAddress }, index) => {
    const path = `/spec/template/spec/domain/devices/interfaces/${index}/macAddress`;
    const wanted = spec.newMacAddresses?.[name];
    if (wanted !== undefined) operations.push({ op: 'add', path, value: wanted });
    // Two machines with one address would not both be reached.
    else if (macAddress !== undefined) operations.push({ op: 'remove', path });
  });
  const firmware = '/spec/template/spec/domain/firmware';
  if (domain.firmware?.uuid !== undefined) operations.push({ op: 'remove', path: `${firmware}/uuid` });
  if (domain.firmware?.serial !== undefined) operations.push({ op: 'remove', path: `${firmware}/serial` });
  if (spec.newSMBiosSerial !== undefined) {
    if (domain.firmware === undefined) operations.push({ op: 'add', path: firmware, value: {} });
    operations.push({ op: 'add', path: `${firmware}/serial`, value: spec.newSMBiosSerial });
  }
  return [...operations.map((operation) => JSON.stringify(operation)), ...(spec.patches ?? [])];
}
