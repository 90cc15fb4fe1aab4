/** Interfaces that a machine's template gains, or takes out by `state: absent`, while it runs. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Interface, VirtualMachineInstance, VirtualMachineInstanceSpec } from '#shared/kube/kubevirt.ts';

/** On an instance: names of the interfaces that were plugged into it while it ran. Only they stand in ports, and can be taken out. */
export const PLUGGED_ANNOTATION = 'hayloft.io/plugged-interfaces';

export const pluggedNames = ({ metadata }: VirtualMachineInstance): ReadonlySet<string> =>
  new Set((metadata.annotations?.[PLUGGED_ANNOTATION] ?? '').split(',').filter((name) => name !== ''));

/** As on KubeVirt, others need a restart. */
export const comesAndGoes = ({ bridge, model, acpiIndex, bootOrder }: Interface): boolean =>
  bridge !== undefined && (model ?? 'virtio') === 'virtio' && acpiIndex === undefined && bootOrder === undefined;

/** What a machine starts with: nothing that is to be out. */
export function withoutAbsent(spec: VirtualMachineInstanceSpec): VirtualMachineInstanceSpec {
  const { domain, networks = [] } = spec;
  const absent = new Set((domain.devices.interfaces ?? []).filter(({ state }) => state === 'absent').map(({ name }) => name));
  if (absent.size === 0) return spec;
  const interfaces = domain.devices.interfaces?.filter(({ name }) => !absent.has(name));
  return { ...spec, domain: { ...domain, devices: { ...domain.devices, interfaces } }, networks: networks.filter(({ name }) => !absent.has(name)) };
}

/** The spec without interfaces that may come and go; for what they differ in see {@link cardsNeedRestart}. */
export function withoutCards({ domain, networks = [] }: VirtualMachineInstanceSpec): Pick<VirtualMachineInstanceSpec, 'networks'> & { interfaces: Interface[] | undefined } {
  const cards = new Set((domain.devices.interfaces ?? []).filter(comesAndGoes).map(({ name }) => name));
  const interfaces = domain.devices.interfaces?.filter(({ name }) => !cards.has(name));
  return { interfaces, networks: networks.filter(({ name }) => !cards.has(name)) };
}

const fixed = (item: Interface): Interface => {
  const rest = { ...item };
  delete rest.state;
  return rest;
};

/**
 * Whether the template says of such interfaces what only a restart brings about.
 * @param templateOf asked only where the instance has any
 */
export function cardsNeedRestart(templateOf: () => VirtualMachineInstanceSpec, vmi: VirtualMachineInstance): boolean {
  const cards = (vmi.spec.domain.devices.interfaces ?? []).filter(comesAndGoes);
  if (cards.length === 0) return false;
  const template = templateOf();
  const wanted = template.domain.devices.interfaces ?? [];
  const networkOf = ({ networks = [] }: VirtualMachineInstanceSpec, name: string): unknown => networks.find((network) => network.name === name);
  const came = pluggedNames(vmi);
  return cards.some((item) => {
    const other = wanted.find(({ name }) => name === item.name);
    if (!other) return item.state !== 'absent';
    if (other.state === 'absent' && !came.has(item.name)) return true;
    return !isDeepStrictEqual(fixed(other), fixed(item)) || !isDeepStrictEqual(networkOf(template, item.name), networkOf(vmi.spec, item.name));
  });
}

/**
 * The running instance with the interfaces of the template: new ones come, those that are `absent` are taken out, and are
 * forgotten when its status tells that they are.
 * @returns undefined where nothing is to be changed
 */
export function declaredCards(template: VirtualMachineInstanceSpec, vmi: VirtualMachineInstance): Pick<VirtualMachineInstance, 'spec'> & { plugged: string } | undefined {
  const { spec } = vmi;
  // What is there at the start is no card that was plugged in.
  if (vmi.status?.phase !== 'Running') return undefined;
  const interfaces = spec.domain.devices.interfaces ?? [];
  const came = pluggedNames(vmi);
  const told = new Set(vmi.status.interfaces?.map(({ name }) => name));
  const out = interfaces.filter(({ name, state }) => state === 'absent' && came.has(name) && !told.has(name)).map(({ name }) => name);
  const comes = (template.domain.devices.interfaces ?? []).filter(
    (item) => comesAndGoes(item) && item.state !== 'absent' && !interfaces.some(({ name }) => name === item.name) && template.networks?.some(({ name, multus }) => name === item.name && multus !== undefined),
  );
  if (out.length === 0 && comes.length === 0) return undefined;
  const isOut = ({ name }: { name: string }): boolean => out.includes(name);
  const networks = [...(spec.networks ?? []).filter((network) => !isOut(network)), ...(template.networks ?? []).filter(({ name }) => comes.some((item) => item.name === name))];
  return {
    spec: { ...spec, networks, domain: { ...spec.domain, devices: { ...spec.domain.devices, interfaces: [...interfaces.filter((item) => !isOut(item)), ...comes] } } },
    plugged: [...[...came].filter((name) => !out.includes(name)), ...comes.map(({ name }) => name)].join(','),
  };
}
