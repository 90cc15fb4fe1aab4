import { describe, expect, it } from 'vitest';
import { newMachineDefaults } from '#shared/contract/new-machine.ts';
import { HayloftError } from '#shared/contract/errors.ts';
import type { ClusterConnection } from '../clusters/connection.ts';
import { defaults } from './defaults.ts';

const gib = 2 ** 30;
const refusal = new HayloftError('forbidden', 'nodes is forbidden');
const node = (cpu: string, memory: string, uefi = 'true'): object => ({
  metadata: { name: `n${cpu}`, annotations: { 'hayloft.io/uefi': uefi, 'hayloft.io/disk-free': '50Gi' } },
  status: { capacity: { cpu, memory } },
});

/** Answers with what is at a path; asked for anything else, it refuses as a cluster does. */
function clusterWith(answers: Record<string, object | Error>): ClusterConnection {
  const call = (_method: string, path: string): Promise<unknown> => {
    const answer = answers[path] ?? refusal;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { id: 'lab', client: () => Promise.resolve({ call }) } as unknown as ClusterConnection;
}

const machines = { '/apis/kubevirt.io/v1/namespaces/default/virtualmachines': { items: [{ metadata: { name: 'machine' } }] } };

describe('defaults', () => {
  it('keeps within the largest node', async () => {
    const found = await defaults(clusterWith({ ...machines, '/api/v1/nodes': { items: [node('1', '2Gi'), node('1', '4Gi', 'false')] } }), undefined);
    expect(found).toMatchObject({ cores: 1, memoryBytes: gib, uefiAvailable: true, limits: { cores: 1, memoryBytes: 4 * gib, diskFreeBytes: 50 * gib } });
  });

  it('says nothing of limits to who may see nothing outside the namespace, and offers what is usual', async () => {
    const found = await defaults(clusterWith(machines), undefined);
    expect(found).toEqual(expect.not.objectContaining({ limits: expect.anything() as unknown }));
    expect(newMachineDefaults.parse(found)).toMatchObject({ name: 'machine-2', cores: 2, memoryBytes: 2 * gib, uefiAvailable: true });
  });

  it('fails where nodes were not refused but could not be had', async () => {
    const broken = new HayloftError('unreachable', 'It does not answer.');
    await expect(defaults(clusterWith({ ...machines, '/api/v1/nodes': broken }), undefined)).rejects.toBe(broken);
  });
});
