/** A machine for tests. */
import type { Machine } from '#shared/contract/machines.ts';

/** One that is off, in the namespace `default` of this computer, and otherwise as told. */
export function sampleMachine(name: string, more: Partial<Machine> = {}): Machine {
  const no = { allowed: false };
  const { clusterId = 'local', namespace = 'default' } = more;
  return {
    clusterId,
    namespace,
    name,
    key: `${clusterId}/${namespace}/${name}`,
    uid: name,
    status: 'Stopped',
    tone: 'off',
    runStrategy: 'Manual',
    cores: 1,
    memoryBytes: 1,
    addresses: [],
    labels: {},
    created: 0,
    emulated: false,
    hasGraphics: true,
    hasSerial: true,
    actions: { start: no, stop: no, forceOff: no, restart: no, pause: no, unpause: no },
    ...more,
  };
}
