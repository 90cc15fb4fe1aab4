/** KubeVirt's subresources (pkg/virt-api/api.go), and why the engine refuses some of them. */
import type { EngineClient } from '../../rig/engine-client.ts';

export interface Subresource {
  resource: 'virtualmachines' | 'virtualmachineinstances' | 'namespaces';
  name: string;
  /** Why it is refused: it is not there, or answers with the reason. */
  refused?: string;
}

const oneHost = 'one computer has nowhere to move a machine to';
const noDump = 'memory is not dumped';

const onMachines = (name: string, refused?: string): Subresource => ({ resource: 'virtualmachines', name, ...(refused === undefined ? {} : { refused }) });
const onInstances = (name: string, refused?: string): Subresource => ({
  resource: 'virtualmachineinstances',
  name,
  ...(refused === undefined ? {} : { refused }),
});

export const subresources: readonly Subresource[] = [
  ...['start', 'stop', 'restart', 'addvolume', 'removevolume', 'portforward', 'expand-spec'].map((name) => onMachines(name)),
  onMachines('migrate', oneHost),
  onMachines('memorydump', noDump),
  onMachines('removememorydump', noDump),
  onMachines('objectgraph', 'an experiment of KubeVirt’s that is off by default'),
  ...[
    ...['pause', 'unpause', 'freeze', 'unfreeze', 'softreboot', 'reset', 'addvolume', 'removevolume'],
    ...['guestosinfo', 'userlist', 'filesystemlist', 'vnc', 'vnc/screenshot', 'console', 'portforward'],
  ].map((name) => onInstances(name)),
  onInstances('usbredir', 'USB devices are not redirected'),
  onInstances('vsock', 'there is no vsock here'),
  onInstances('sev', 'memory is not encrypted'),
  onInstances('evacuate/cancel', oneHost),
  onInstances('objectgraph', 'an experiment of KubeVirt’s that is off by default'),
  { resource: 'namespaces', name: 'expand-vm-spec' },
];

interface Discovered {
  resources: { name: string }[];
}

/** @returns the names that the engine's own discovery tells (`virtualmachines/start`) */
export async function servedSubresources(engine: EngineClient): Promise<ReadonlySet<string>> {
  const answer = await engine.api('GET', '/apis/subresources.kubevirt.io/v1');
  return new Set(answer.json<Discovered>().resources.map(({ name }) => name));
}

export const nameOf = ({ resource, name }: Subresource): string => (resource === 'namespaces' ? name : `${resource}/${name}`);
