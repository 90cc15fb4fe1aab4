import { describe, expect, it } from 'vitest';
import type { LonghornNode } from '#shared/kube/longhorn.ts';
import { judgeVolume, type LonghornVolume } from './volume-verdict.ts';

const of = (kind: string, name: string): { apiVersion: string; kind: string; metadata: { name: string } } => ({ apiVersion: 'longhorn.io/v1beta2', kind, metadata: { name } });
const volume = (robustness: string, scheduled: 'True' | 'False' = 'True'): LonghornVolume => ({
  ...of('Volume', 'pvc-1'),
  spec: { numberOfReplicas: 3 },
  status: { robustness, conditions: [{ type: 'Scheduled', status: scheduled }] },
});
const replicas = ['a', 'b', 'c'].map((nodeID) => ({ ...of('Replica', `r-${nodeID}`), spec: { volumeName: 'pvc-1', nodeID } }));
const nodes = (down?: string): LonghornNode[] =>
  ['a', 'b', 'c'].map((name) => ({ ...of('Node', name), spec: {}, status: { conditions: [{ type: 'Ready', status: name === down ? ('False' as const) : ('True' as const) }] } }));
const rebuilding = [{ ...of('Engine', 'e'), spec: { volumeName: 'pvc-1' }, status: { rebuildStatus: { 'tcp://x': { isRebuilding: true, progress: 42 } } } }];

describe('the verdict on a Longhorn volume (objects made by hand after its types)', () => {
  it.each([
    ['healthy', volume('healthy'), [], nodes(), /All copies/],
    ['detached', volume('unknown'), [], nodes(), /No machine/],
    ['degraded', volume('degraded'), [], nodes(), /its 3 copies/],
    ['rebuilding', volume('degraded'), rebuilding, nodes('c'), /42 %/],
    ['node down', volume('degraded', 'False'), [], nodes('c'), /c does not answer/],
    ['disk full', volume('degraded', 'False'), [], nodes(), /no disk with room/],
    ['faulted', volume('faulted'), [], nodes(), /salvage/],
    ['faulted', volume('faulted'), rebuilding, nodes('a'), /a does not answer/],
  ] as const)('%s', (state, judged, engines, known, sentence) => {
    const verdict = judgeVolume(judged, { replicas, engines, nodes: known });
    expect(verdict.state).toBe(state);
    expect(verdict.sentence).toMatch(sentence);
  });
});
