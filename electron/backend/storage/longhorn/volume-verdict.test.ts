import { describe, expect, it } from 'vitest';
import type { LonghornEngine, LonghornNode, LonghornReplica, LonghornVolume } from '#shared/kube/longhorn.ts';
import type { Condition } from '#shared/kube/object.ts';
import { judgeDisk } from './disk-verdict.ts';
import { judgeVolume } from './volume-verdict.ts';

const of = (kind: string, name: string): { apiVersion: string; kind: string; metadata: { name: string } } => ({ apiVersion: 'longhorn.io/v1beta2', kind, metadata: { name } });
const volume = (robustness: string, status: LonghornVolume['status'] = {}): LonghornVolume => ({
  ...of('Volume', 'pvc-1'),
  spec: { numberOfReplicas: 3 },
  status: { state: 'attached', robustness, conditions: [{ type: 'Scheduled', status: 'True' }], ...status },
});
const unscheduled = (message: string): LonghornVolume => volume('degraded', { conditions: [{ type: 'Scheduled', status: 'False', reason: 'ReplicaSchedulingFailure', message }] });
const replicas = (failedAt = ''): LonghornReplica[] => ['a', 'b', 'c'].map((nodeID) => ({ ...of('Replica', `r-${nodeID}`), spec: { volumeName: 'pvc-1', nodeID, failedAt } }));
const failed = replicas('2026-10-14T08:00:00Z');
const nodes = (down: Record<string, Condition['status']> = {}, disk: Condition[] = [{ type: 'Ready', status: 'True' }]): LonghornNode[] =>
  ['a', 'b', 'c'].map((name) => ({
    ...of('Node', name),
    spec: { disks: { d: { allowScheduling: true } } },
    status: { conditions: [{ type: 'Ready', status: down[name] ?? ('True' as const) }], diskStatus: { d: { storageMaximum: 100, storageAvailable: name === 'b' ? 10 : 60, conditions: name === 'b' ? disk : [] } } },
  }));
const pressed = nodes({}, [{ type: 'Schedulable', status: 'False', reason: 'DiskPressure', message: 'the disk d has 10 available' }]);
const rebuilding = (...progress: number[]): LonghornEngine[] => [
  { ...of('Engine', 'e'), spec: { volumeName: 'pvc-1' }, status: { rebuildStatus: Object.fromEntries(progress.map((value, index) => [`tcp://10.0.0.${String(index)}:10000`, { isRebuilding: true, progress: value }])) } },
];

describe('the verdict on a Longhorn volume (objects made by hand after its types)', () => {
  it.each<[string, LonghornVolume, { replicas?: LonghornReplica[]; engines?: LonghornEngine[]; nodes?: LonghornNode[] }, RegExp]>([
    ['healthy', volume('healthy'), {}, /^All copies/],
    ['detached', volume('unknown', { state: 'detached' }), {}, /^No machine/],
    ['unknown', { ...of('Volume', 'pvc-1'), spec: {} }, {}, /nothing of it yet/],
    ['unknown', volume('unknown', { state: 'attaching' }), {}, /attaching/],
    ['restoring', volume('unknown', { restoreRequired: true }), {}, /from a backup/],
    ['restoring', volume('unknown', { restoreRequired: true, isStandby: true }), {}, /activated/],
    ['degraded', volume('degraded'), {}, /its 3 copies/],
    ['rebuilding', volume('degraded'), { engines: rebuilding(42) }, /^A copy is being rebuilt \(42 %\)/],
    ['rebuilding', volume('degraded'), { engines: rebuilding(42, 7) }, /^2 copies are being rebuilt \(42 % and 7 %\)/],
    ['node down', unscheduled('insufficient storage'), { nodes: nodes({ c: 'False' }) }, /c does not answer/],
    ['node down', volume('degraded'), { nodes: nodes({ b: 'Unknown', c: 'Unknown' }) }, /b and c do not answer: start them again/],
    ['disk full', unscheduled(''), { nodes: pressed }, /^The disks on b are full/],
    ['disk full', unscheduled('insufficient storage'), {}, /^No disk has room for a copy of its size/],
    ['no place', unscheduled('tags not fulfilled'), {}, /^No node or disk fits for a copy \(tags not fulfilled\)/],
    ['no place', unscheduled(''), {}, /^No node or disk fits for a copy:/],
    ['faulted', volume('faulted'), { replicas: failed }, /turn its machine off/],
    ['faulted', volume('faulted', { state: 'detached' }), { replicas: failed }, /salvage it/],
    ['faulted', volume('faulted', { state: 'detached' }), { replicas: replicas() }, /none is left to salvage/],
    ['faulted', volume('faulted', { state: 'detached' }), { replicas: failed, nodes: nodes({ a: 'Unknown' }) }, /a does not answer: start it again before you salvage/],
    ['faulted', volume('faulted', { state: 'detached', conditions: [{ type: 'Restore', status: 'False', reason: 'RestoreFailure' }] }), { replicas: failed }, /restore the backup again/],
  ])('%s', (state, judged, known, sentence) => {
    const verdict = judgeVolume(judged, { replicas: replicas(), engines: [], nodes: nodes(), ...known });
    expect(verdict.state).toBe(state);
    expect(verdict.sentence).toMatch(sentence);
  });
});

describe('the verdict on a Longhorn disk', () => {
  const [, b] = pressed;
  it.each<[string, LonghornNode | undefined]>([
    ['Full', b],
    ['Ready', nodes()[0]],
    ['Node down', nodes({ b: 'Unknown' })[1]],
    ['Not ready', nodes({}, [{ type: 'Ready', status: 'False', message: 'not mounted' }])[1]],
  ])('%s', (label, node) => {
    if (!node) throw new Error('There are three nodes.');
    expect(judgeDisk(node, 'd', 25).label).toBe(label);
  });

  it('tells a disk with too little free from one of which all was promised', () => {
    if (!b) throw new Error('There are three nodes.');
    expect(judgeDisk(b, 'd', 25).sentence).toMatch(/^Less than 25 %/);
    expect(judgeDisk(b, 'd', 5).sentence).toMatch(/^All of it was promised/);
  });
});
