/** Memory that is promised twice is allowed, and told: on the Node, to who starts the machine, and in its events. */
import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { KubeEvent, KubeNode } from '../../shared/kube/core.ts';
import type { KubeList } from '../../shared/kube/object.ts';
import { parseQuantity } from '../../shared/kube/quantities.ts';
import { until } from '../rig/until.ts';
import { useEngine } from './conformance-engine.ts';
import { machine } from './samples.ts';

const MiB = 2 ** 20;
const engine = useEngine();
/** Nearly all that the host has: more than its own programs leave to machines. */
const largeMiB = Math.floor(totalmem() / MiB) - 64;

const node = (): KubeNode | undefined => engine.json<KubeList<KubeNode>>(['get', 'nodes']).items[0];
const promised = (): number | undefined => parseQuantity(node()?.metadata.annotations?.['hayloft.io/memory-promised']);
const overcommitted = (): { status: string; message?: string } | undefined => node()?.status?.conditions?.find(({ type }) => type === 'MemoryOvercommitted');
const start = (name: string): ReturnType<typeof engine.rig.api> => engine.rig.api('PUT', `/apis/subresources.kubevirt.io/v1/namespaces/default/virtualmachines/${name}/start`);

function define(name: string, memory: string): void {
  const vm = machine(name);
  vm.spec.template.spec.domain.memory = { guest: memory };
  engine.ok(['apply', '-f', '-'], vm);
}

describe('memory that machines are given', () => {
  it('is summed up on the node', async () => {
    define('small', '64Mi');
    const answer = await start('small');
    expect([answer.status, answer.headers['warning']]).toEqual([202, undefined]);
    await until('the sum on the node', () => promised() === 64 * MiB);
    expect(overcommitted()).toMatchObject({ status: 'False', message: expect.stringContaining('64 MiB of the') as string });
  });

  it('may be more than there is, which whoever starts the machine is told', async () => {
    define('large', `${largeMiB}Mi`);
    const answer = await start('large');
    expect(answer.status).toBe(202);
    expect(answer.headers['warning']).toMatch(/^299 - "The machine may use [\d.]+ GiB of memory, and [\d.]+ GiB of this computer's are free/);
    await until('the sum on the node', () => promised() === (64 + largeMiB) * MiB);
    expect(overcommitted()).toMatchObject({ status: 'True', message: expect.stringContaining('That goes well as long as') as string });
    expect(engine.ok(['describe', 'node'])).toMatch(/MemoryOvercommitted +True/);
    const events = engine.json<KubeList<KubeEvent>>(['get', 'events', '--field-selector', 'reason=MemoryOvercommitted']).items;
    expect(events).toMatchObject([{ type: 'Warning', involvedObject: { kind: 'VirtualMachineInstance', name: 'large' }, message: expect.stringContaining('free') as string }]);
  });

  it('is given back when machines end', async () => {
    engine.ok(['delete', 'vm', 'large']);
    await until('the sum to be small again', () => promised() === 64 * MiB);
    expect(overcommitted()?.status).toBe('False');
    const page = engine.ok(['get', '--raw', '/metrics']);
    expect(page).toContain(`\nhayloft_node_memory_promised_bytes ${64 * MiB}\n`);
    expect(page).toMatch(/\nhayloft_node_memory_allocatable_bytes \d+\n/);
  });
});
